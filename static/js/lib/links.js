// Finds addresses in the body of a message. Pure: nothing here makes HTML.
// conversations/protocol/links.py is its twin; tests/golden/links.json holds both.

// Addresses end at white space, control and bidi characters, invisible characters, quotation marks, and the punctuation
// of scripts that put no space after it. Apostrophes, commas and brackets of ASCII may stand inside an address:
// `trimmed` judges those.
const ENDS =
  String.raw`\s\p{Cc}<>"\x60\\\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f` +
  String.raw`\u2028-\u202e\u2060-\u2069\u2800\u3164\ufeff\uffa0` +
  String.raw`\u00ab\u00bb\u2014\u201c-\u201f\u2039\u203a` + // « » — “ ” „ ‟ ‹ ›
  String.raw`\u0589\u060c\u061b\u061f\u06d4\u0964\u0965\u0f0d\u0f0e\u104a\u104b\u1362-\u1368\u17d4\u17d5` +
  String.raw`\u3001-\u3003\u3008-\u3011\u3014-\u301f\ufe10-\ufe19\ufe30-\ufe4f` +
  String.raw`\uff01\uff02\uff07-\uff09\uff0c\uff0e\uff1a\uff1b\uff1c\uff1e\uff1f\uff3b\uff3d\uff5b\uff5d\uff5f-\uff64`;
/** Scripts without spaces between words: an address may follow their letters, or be followed by them, at once. */
const UNSPACED =
  String.raw`\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}` +
  String.raw`\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}`;
const AFTER_WORD = String.raw`(?<![\p{L}\p{N}\p{M}])|(?<=[${UNSPACED}])`;
const EMAIL =
  String.raw`(?<![\p{L}\p{N}\p{M}._%+@/-])[\p{L}\p{N}._%+-]{1,64}@` +
  String.raw`[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}(?![\p{L}\p{N}\p{M}_@-])`;
const FOUND = new RegExp(
  `(?:(?:${AFTER_WORD})(?:https?://|mailto:)|` +
    `(?:(?<![\\p{L}\\p{N}\\p{M}_@./-])|(?<=[${UNSPACED}]))www\\.)[^${ENDS}]+|${EMAIL}`,
  "giu",
);
const LONGEST = 2_048;
const TAIL = new Set(".,;:!?'’…|–");
const OPENING = { ")": "(", "]": "[", "}": "{" };
const MARKUP = new Set("*_~");
/** Scheme, host (a name, or an address of either Internet protocol), port. */
const WEB = /^(?:https?:\/\/)?(?<host>[\p{L}\p{N}\p{M}_\u200c\u200d.-]+|\[[\da-f:.]+\])(?<port>:\d{1,5}(?!\d))?/iu;
const GLUED = new RegExp(String.raw`^((?:https?://)?[^/?#]*\.[a-z]{2,}(?::\d+)?)[${UNSPACED}]`, "iu");
const MAIL = /^(?:mailto:)?[^\s@]+@(?<host>[\p{L}\p{N}\p{M}.-]+\.[\p{L}\p{N}-]+)(?:\?|$)/iu;
const SCRIPTS = ["Latin", "Cyrillic", "Greek", "Armenian", "Cherokee", "Coptic", "Georgian", "Hebrew", "Arabic"].map(
  (name) => new RegExp(`\\p{Script=${name}}`, "u"),
);
const count = (text, char) => text.split(char).length - 1;
const isForged = (host) => /[\u200c\u200d]/.test(host) || SCRIPTS.filter((script) => script.test(host)).length > 1;

/**
 * "(see https://a.example/x)." ends before the bracket and the full stop; "/wiki/A_(b)" keeps its own.
 * "*", "_" and "~" belong to the address ("watch?v=aB_") unless the same sign stands right before it, as markup.
 */
function trimmed(address, before) {
  const surplus = Object.fromEntries(
    Object.entries(OPENING).map(([close, open]) => [close, count(address, close) - count(address, open)]),
  );
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1];
    const isOutside =
      TAIL.has(last) || (last === before && MARKUP.has(last)) || (last in surplus && surplus[last]-- > 0);
    if (!isOutside) break;
  }
  return address.slice(0, end);
}

/** Without the dots and hyphens at its end. `/[.-]+$/` would start at each of them: quadratic time on a row of them. */
function withoutEnd(host) {
  let end = host.length;
  while (end > 0 && ".-".includes(host[end - 1])) end -= 1;
  return host.slice(0, end);
}

function parsed(address) {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}

function mailLink(address) {
  const found = MAIL.exec(address);
  const url =
    found && !isForged(found.groups.host) && parsed(/^mailto:/i.test(address) ? address : `mailto:${address}`);
  return url ? { typed: address, text: address, href: url.href } : null;
}

function webLink(address) {
  // "https://bank.example@evil.example" reads as one host and opens another.
  if (/^(?:https?:\/\/)?[^/?#]*@/i.test(address)) return null;
  const whole = GLUED.exec(address)?.[1] ?? address;
  const found = WEB.exec(whole);
  if (!found) return null;
  // "https://a.example's" ends where the host does.
  const typed = /^(?:[/?#]|$)/.test(whole.slice(found[0].length)) ? whole : withoutEnd(found[0]);
  const url = parsed(/^https?:/i.test(typed) ? typed : `https://${typed}`);
  if (!url || !isPlain(url, found.groups)) return null;
  // Latin and Cyrillic in one host name is how "аpple.com" is forged, so such a name is shown in its ASCII form.
  return {
    typed,
    text: isForged(found.groups.host) ? typed.replace(found.groups.host, url.hostname) : typed,
    href: url.href,
  };
}

/**
 * The URL opens the host that its text shows: "https://1.1" and "http://0x7f.1" do not. A single word is a host only
 * with a port ("http://nas:5000").
 */
function isPlain({ hostname }, { host, port }) {
  if (hostname.startsWith("[")) return true;
  if (/^[\d.]+$/.test(hostname)) return hostname === host;
  return Boolean(port) || hostname === "localhost" || /^[^.]+(?:\.[^.]+)+\.?$/.test(hostname);
}

const link = (address) =>
  /^mailto:/i.test(address) || (address.includes("@") && !/^(?:https?:\/\/|www\.)/i.test(address))
    ? mailLink(address)
    : webLink(address);

/**
 * The links in order: `{start, end, typed, text, href}`. `typed` is that part of the body; `text` is what is shown,
 * which differs where the host is shown in ASCII.
 */
export function linksIn(body) {
  const found = [];
  for (const match of body.matchAll(FOUND)) {
    if (match[0].length > LONGEST) continue;
    const made = link(trimmed(match[0], body[match.index - 1]));
    if (made) found.push({ start: match.index, end: match.index + made.typed.length, ...made });
  }
  return found;
}
