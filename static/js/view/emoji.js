// Choosing an emoji, for the composer and for reactions. The panel and its data load on the first call.

import { EmojiSearch } from "../state/emoji-search.js";

const SIZE_PX = 32;
const TOLERANCE = 0.15;

let panel = null;
let emoji = null;

/**
 * Whether the browser's font has an emoji, told by its measures: a missing one is a box, blank, letters (flags on
 * Windows) or the parts of a joined sequence side by side. Nothing is drawn, so protections against fingerprinting do
 * not interfere.
 */
function emojiSupport() {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return () => true;
  context.font = `${SIZE_PX}px ${getComputedStyle(document.body).fontFamily}`;
  const usual = context.measureText("😀").width;
  return (emoji) => {
    const { width, actualBoundingBoxRight: inkEnds = 1 } = context.measureText(emoji);
    return inkEnds > 0 && Math.abs(width - usual) <= usual * TOLERANCE;
  };
}

/** The emoji of the page's language that the browser's font has. A failed attempt is repeated with the next call. */
export function loadEmoji(fetchEmoji) {
  const { source } = document.querySelector('template[data-template="emoji-panel"]').content.firstElementChild.dataset;
  emoji ??= fetchEmoji(source).then((categories) => new EmojiSearch(categories, { canDraw: emojiSupport() }));
  emoji.catch(() => (emoji = null));
  return emoji;
}

/**
 * Opens the panel beside `anchor` (on a phone: a sheet). `onPick(emoji)` is called for each choice; the panel closes
 * then, but for a pointer with `staysOpen`. `onClose()` moves the focus; without it `anchor` gets the focus. `tools`:
 * `t`, `store`, `announce(text)`, `fetchEmoji(source)`. Each choice becomes the newest of state/emoji-recents.js.
 * Rejects when the panel cannot be loaded.
 */
export async function pickEmoji({ anchor, onPick, onClose, staysOpen = false, tools }) {
  const load = () => loadEmoji(tools.fetchEmoji);
  panel ??= import("./emoji-panel.js").then(({ EmojiPanel }) => new EmojiPanel({ ...tools, load }));
  panel.catch(() => (panel = null));
  (await panel).open({ anchor, onPick, onClose, staysOpen });
}

/** The same for one choice: resolves to the emoji, or to null. */
export const askForEmoji = (anchor, tools) =>
  new Promise((done) => {
    const onClose = () => (anchor.focus({ preventScroll: true }), done(null));
    pickEmoji({ anchor, onPick: done, onClose, tools }).catch(() => done(null));
  });
