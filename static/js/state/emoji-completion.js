// ":name" in the composer: which text before the caret asks for an emoji.

/** A colon at the start of a word and two letters or more, up to the caret. "10:30", "http://" and ":)" are none. */
const ASKED = /(?:^|[\s(])(:(?<query>[\p{L}\p{M}\p{N}_+-]{2,30}))$/u;
const LOOKED_AT = 40;

/** `{start, end, query}` in `text`, or null. */
export function askedEmoji(text, caret) {
  const before = text.slice(Math.max(0, caret - LOOKED_AT), caret);
  const found = ASKED.exec(before);
  if (!found || !/\p{L}{2}/u.test(found.groups.query)) return null;
  return { start: caret - found[1].length, end: caret, query: found.groups.query.replaceAll("_", " ") };
}
