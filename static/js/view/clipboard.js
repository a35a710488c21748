// Text for the clipboard that is only being made: Safari lets a page write what comes later only where the writing itself begins with the press.

/** `text` is a promise. Rejects where the browser refuses, or where there is no text. */
export async function copyLater(text) {
  if (!globalThis.ClipboardItem) return navigator.clipboard.writeText(await text);
  const blob = text.then((words) => new Blob([words], { type: "text/plain" }));
  // Where the browser refuses first, nobody else would hear that it failed.
  blob.catch(() => {});
  return navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
}
