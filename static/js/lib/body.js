// What the first paint needs to know of a body: is it only emoji, is it long, where may it be cut. Links and markup:
// lib/links.js, lib/markup.js.

const EMOJI =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}(?:\ufe0f|[\u{1f3fb}-\u{1f3ff}]|$)|[\d#*]\ufe0f?\u20e3)/u;
/** One visible character, nearly: joined by ZWJ, with marks, selectors and skin tones, flags in pairs. */
const JOINED = /\p{RI}\p{RI}|.[\p{M}\u{1f3fb}-\u{1f3ff}\u{e0020}-\u{e007f}]*(?:\u200d.[\p{M}\u{1f3fb}-\u{1f3ff}]*)*/gsu;

/** One to three emoji and nothing else; skin tones and joined families count as one. */
export function isEmojiOnly(body) {
  const text = body.trim();
  if (!text || text.length > 60 || /^\p{L}/u.test(text)) return false;
  const pieces = graphemes(text);
  return pieces.length <= 3 && pieces.every((piece) => EMOJI.test(piece));
}

const segmenter = globalThis.Intl?.Segmenter ? new Intl.Segmenter() : null;

/**
 * Splits into what a reader counts as one character: a family or a flag is one. Code points, where the browser has no
 * Segmenter (Firefox 115).
 */
export const graphemes = (text) =>
  segmenter
    ? Array.from(segmenter.segment(text), ({ segment }) => segment)
    : [...text.matchAll(JOINED)].map(([piece]) => piece);

const FOLDED_FROM = 24;
const WIDTH = 60;

/** Longer than about twenty lines, estimated without layout. The same rule as in conversations/views/presenters.py. */
export function isLong(text) {
  if (text.length < FOLDED_FROM) return false;
  const lines = text.split("\n");
  return (
    lines.length > FOLDED_FROM ||
    lines.reduce((sum, line) => sum + Math.max(1, Math.ceil([...line].length / WIDTH)), 0) > FOLDED_FROM
  );
}

/** At most so many of them: no emoji is cut in two. */
export function cut(text, most) {
  if (text.length <= most) return text;
  // One grapheme is rarely longer than eight units, and a text of 8,000 characters need not be segmented whole.
  return graphemes(text.slice(0, most * 8))
    .slice(0, most)
    .join("");
}
