// Rejects dropped and pasted files, which cannot be sent yet. Otherwise the browser would leave the chat and open
// the file.

const hasFiles = (data) => [...(data?.types ?? [])].includes("Files");

/** `notify(text)` shows and announces a sentence. */
export function rejectDroppedFiles({ t, notify }) {
  const refuse = () => notify(t("Files can’t be sent yet."));
  addEventListener("dragover", (event) => {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    refuse();
  });
  addEventListener("paste", (event) => {
    // Copied text often includes an image of itself: then the text is what is meant.
    if (!hasFiles(event.clipboardData) || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    refuse();
  });
}
