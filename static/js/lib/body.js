// What a message body is made of: plain text, links, or nothing but a few emoji. Pure; nothing here makes HTML.

const FOUND = /(?:https?:\/\/|mailto:|www\.)[^\s<>"\u200e\u200f\u202a-\u202e\u2066-\u2069]+|[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/giu;
const TAIL = /[.,;:!?'"”’»…*_~]+$/u;
const LONGEST = 2_048;
const PAIRS = { ")": "(", "]": "[", "}": "{" };
const SCRIPTS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u, /\p{Script=Cherokee}/u];
const EMOJI = /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}(?:\ufe0f|[\u{1f3fb}-\u{1f3ff}]|$)|[\d#*]\ufe0f?\u20e3)/u;

let segmenter = null;

const count = (text, char) => text.split(char).length - 1;

/** "(see https://a.example/x)." ends before the bracket and the full stop; "/wiki/A_(b)" keeps its own. */
function trimmed(address) {
  for (let before = null; before !== address; ) {
    before = address;
    address = address.replace(TAIL, "");
    const last = address.at(-1);
    if (last in PAIRS && count(address, last) > count(address, PAIRS[last])) address = address.slice(0, -1);
  }
  return address;
}

function target(address) {
  if (/^(?:https?:\/\/|mailto:)/i.test(address)) return address;
  return address.includes("@") && !/^www\./i.test(address) ? `mailto:${address}` : `https://${address}`;
}

/** Latin and Cyrillic in one host name is how "аpple.com" is forged, so such a name is shown in its ASCII form. */
function shown(address, url) {
  if (url.protocol === "mailto:") return address;
  const typed = address.replace(/^https?:\/\//i, "").split(/[/?#]/)[0];
  if (SCRIPTS.filter((script) => script.test(typed)).length < 2) return address;
  return address.replace(typed, url.host);
}

function parsed(address) {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}

function link(address) {
  const url = parsed(target(address));
  if (!url || !["http:", "https:", "mailto:"].includes(url.protocol)) return null;
  // "https://bank.example@evil.example" reads as one host and opens another.
  if (url.protocol !== "mailto:" && (url.username || url.password || !url.hostname.includes(".") && url.hostname !== "localhost")) return null;
  return { text: shown(address, url), href: url.href };
}

/** The text cut into `{text}` and `{text, href}`; joined, the texts are the body (but for hosts shown in ASCII). */
export function bodyParts(body) {
  const parts = [];
  let done = 0;
  for (const match of body.matchAll(FOUND)) {
    if (match[0].length > LONGEST) continue;
    const address = trimmed(match[0]);
    const made = link(address);
    if (!made) continue;
    if (match.index > done) parts.push({ text: body.slice(done, match.index) });
    parts.push(made);
    done = match.index + address.length;
  }
  if (done < body.length) parts.push({ text: body.slice(done) });
  return parts;
}

/** One to three emoji and nothing else; skin tones and joined families count as one. */
export function isEmojiOnly(body) {
  const text = body.trim();
  if (!text || text.length > 60 || /^\p{L}/u.test(text)) return false;
  segmenter ??= new Intl.Segmenter();
  const graphemes = Array.from(segmenter.segment(text), (piece) => piece.segment);
  return graphemes.length <= 3 && graphemes.every((piece) => EMOJI.test(piece));
}
