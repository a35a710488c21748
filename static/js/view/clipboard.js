// Putting text on the clipboard. The clipboard's own interface exists on secure pages only, and not in every browser: a selection and the old
// command do the same, within the press that asked for it.

/** Promise of whether the clipboard has it. */
export async function copyText(text) {
  // Not after an answer: a browser that lets nothing be written without a press has forgotten it by then.
  if (!globalThis.navigator?.clipboard?.writeText) return copyBySelection(text);
  return navigator.clipboard.writeText(text).then(
    () => true,
    () => copyBySelection(text),
  );
}

/**
 * For text that is only being made (a promise): Safari lets a page write what comes later only where the writing itself begins with the press.
 * Resolves to whether the clipboard has it; rejects where there is no text.
 */
export async function copyLater(text) {
  if (!globalThis.ClipboardItem || !globalThis.navigator?.clipboard?.write) return copyText(await text);
  const blob = text.then((words) => new Blob([words], { type: "text/plain" }));
  // Where the browser refuses first, nobody else would hear that it failed.
  blob.catch(() => {});
  return navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]).then(
    () => true,
    async () => copyText(await text),
  );
}

/** What has the focus, and what is selected, is as before. */
function copyBySelection(text) {
  const { activeElement } = document;
  const ranges = rangesOf(getSelection());
  const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
  Object.assign(field.style, { position: "fixed", inset: "0 auto auto 0", opacity: "0" });
  // Behind a modal dialog nothing can be selected.
  (document.querySelector("dialog:modal") ?? document.body).append(field);
  field.select();
  let isDone = false;
  try {
    isDone = document.execCommand("copy");
  } catch {
    // Then it is said that it did not work.
  }
  field.remove();
  activeElement?.focus?.({ preventScroll: true });
  for (const range of ranges) getSelection().addRange(range);
  return isDone;
}

const rangesOf = (selection) =>
  Array.from({ length: selection?.rangeCount ?? 0 }, (_, index) => selection.getRangeAt(index)).filter(
    (range) => !range.collapsed,
  );
