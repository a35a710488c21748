// Writes text to the clipboard. The Clipboard API needs a secure page and a recent browser; otherwise a selection is
// copied.

/** Promise of whether the clipboard has it. */
export async function copyText(text) {
  // Not after an await: a browser that requires a user gesture no longer accepts it by then.
  if (!globalThis.navigator?.clipboard?.writeText) return copyBySelection(text);
  return navigator.clipboard.writeText(text).then(
    () => true,
    () => copyBySelection(text),
  );
}

/**
 * For text that is only being made (a promise): Safari lets a page write what comes later only where the writing itself
 * begins with the press. Resolves to whether the clipboard has it; rejects where there is no text.
 */
export async function copyLater(text) {
  if (!globalThis.ClipboardItem || !globalThis.navigator?.clipboard?.write) return copyText(await text);
  const blob = text.then((words) => new Blob([words], { type: "text/plain" }));
  // If the browser refuses first, no other handler would see the rejection.
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
  // Text behind a modal dialog cannot be selected.
  (document.querySelector("dialog:modal") ?? document.body).append(field);
  field.select();
  let isDone = false;
  try {
    isDone = document.execCommand("copy");
  } catch {
    // Returns false: the caller reports it.
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
