// Copying messages (docs/interface.md T5): the text alone for one; for several, lines with time and sender.

import { view } from "../lib/dom.js";
import { typedText } from "./bodies.js";

const bodyOf = (li) => li.querySelector('[data-part="body"]');

/** The text as typed, with the signs of its markup. Empty for a deleted message. */
export const textOf = (li) => (li.dataset.deleted ? "" : typedText(bodyOf(li)));

const name = (li) => li.querySelector('[data-part="who"]').textContent.trim();
/** `[14:03] Marta: text` */
export const lineOf = (li, text) => `[${li.querySelector("time").textContent}] ${name(li)} ${text}`;

/**
 * The clipboard text of a selection that spans messages; null for one inside a single message, which the browser copies
 * itself.
 */
export function selectedText(selection, list) {
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const chosen = [...list.querySelectorAll("li[data-id]")].filter(
    (li) => range.intersectsNode(bodyOf(li)) && textOf(li),
  );
  if (chosen.length < 2) return null;
  return chosen.map((li) => lineOf(li, within(range, bodyOf(li)))).join("\n");
}

const BLOCKS = "pre, blockquote, ul, ol, li";

/** The shown text, each block on lines of its own. */
function shownText(fragment) {
  for (const block of fragment.querySelectorAll("pre, blockquote, ul, ol"))
    if (block.nextSibling && !block.nextSibling.matches?.(BLOCKS)) block.after("\n");
  for (const block of fragment.querySelectorAll(BLOCKS))
    if (block.previousSibling && block.textContent) block.before("\n");
  return fragment.textContent;
}

/** What is selected of the body: the text as typed, if all of it is. */
function within(range, body) {
  const part = document.createRange();
  part.selectNodeContents(body);
  const all = part.toString();
  if (range.compareBoundaryPoints(Range.START_TO_START, part) > 0)
    part.setStart(range.startContainer, range.startOffset);
  if (range.compareBoundaryPoints(Range.END_TO_END, part) < 0) part.setEnd(range.endContainer, range.endOffset);
  return part.toString() === all ? typedText(body) : shownText(part.cloneContents());
}

/** In the chat on the screen. */
export function listenForCopy() {
  document.addEventListener("copy", (event) => {
    const list = view("timeline");
    const text = list && selectedText(getSelection(), list);
    if (text === null) return;
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  });
}
