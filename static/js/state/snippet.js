// The part of a found message that is shown: one line around the first match. The same as in
// conversations/views/finding.py; tests/golden/snippets.json keeps the two equal.

const BEFORE = 30;
const LENGTH = 160;

/** `matches`: [start, length] in code points of `body`. Returns pieces {text, isMatch}. */
export function snippet(body, matches) {
  const letters = [...body];
  const start = Math.max(0, (matches[0]?.[0] ?? 0) - BEFORE);
  const end = Math.min(letters.length, start + LENGTH);
  const pieces = [];
  const add = (text, isMatch) => text && pieces.push({ text: text.replace(/\s*\n\s*/g, " "), isMatch });
  const cut = (from, to) => letters.slice(from, to).join("");
  if (start) add("…", false);
  let at = start;
  for (const [begin, length] of matches) {
    if (begin >= end) break;
    add(cut(at, begin), false);
    at = Math.min(end, begin + length);
    add(cut(begin, at), true);
  }
  add(cut(at, end), false);
  if (end < letters.length) add("…", false);
  return pieces;
}
