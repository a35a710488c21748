// The text of messages on the page. Links and markup are drawn by view/body-view.js, which the shell loads when the
// page is idle: until then what the server has drawn stays, and anything newer is shown as typed.

let drawing = null;
let loaded;
/** Element -> {text, isDrawn}: what its sender typed, which copying needs. */
const shown = new WeakMap();

/** Resolves once bodies can be drawn. */
export const bodiesLoaded = new Promise((done) => (loaded = done));

/** `module` is view/body-view.js. */
export function drawBodiesWith(module) {
  drawing = module;
  loaded();
}

export const canDraw = () => drawing !== null;

/** `isFromServer`: the element came with the page and shows this text already. */
export function fillBody(element, text, { isFromServer = false } = {}) {
  const before = shown.get(element);
  if (before?.text === text && (before.isDrawn || !drawing)) return;
  if (drawing) drawing.drawBody(element, text);
  else if (before || !isFromServer) element.textContent = text;
  shown.set(element, { text, isDrawn: drawing !== null });
}

/** Words of ours instead of a body. */
export function replaceBody(element, words) {
  shown.delete(element);
  if (element.textContent !== words) element.textContent = words;
}

export const typedText = (element) => shown.get(element)?.text ?? element.textContent;

/** A message in a line: its text without the signs of markup, or its files in words. */
export const shownText = ({ body = "", attachments }, t) =>
  body ? plainText(body) : ((attachments?.length && drawing?.words(attachments, t)) || "");

/** Without the signs of markup. */
export const plainText = (text) => drawing?.plainText(text) ?? text;
