// Files that are dropped or pasted. Without this the browser would leave the chat and open the file.

import { cloneTemplate, part, setText } from "../lib/dom.js";

const hasFiles = (data) => [...(data?.types ?? [])].includes("Files");

/** {files, hasFolder}. A folder looks like an empty file, which fails to be read. */
function filesOf(data) {
  const items = [...(data.items ?? [])].filter(({ kind }) => kind === "file");
  const isFolder = (item) => item.webkitGetAsEntry?.()?.isDirectory ?? false;
  if (!items.length) return { files: [...data.files], hasFolder: false };
  const files = items.filter((item) => !isFolder(item)).map((item) => item.getAsFile());
  return { files: files.filter(Boolean), hasFolder: items.some(isFolder) };
}

/** Copied text often includes an image of itself: then the text is meant. A copied file has its name as text. */
function isText(data) {
  if (data.types.includes("text/html")) return true;
  const text = data.types.includes("text/plain") ? data.getData("text/plain").trim() : "";
  return Boolean(text) && ![...data.files].some(({ name }) => name && text.endsWith(name));
}

/**
 * `target()` -> {pane, label, add(files, hasFolder)} of the chat on the screen, or null; `refuse()` says that files
 * have no place here.
 */
export function listenForFiles({ target, refuse }) {
  let frame = null;
  const leave = () => (frame?.remove(), (frame = null));
  const chatOf = (event) => {
    const chat = target();
    return chat?.pane.contains(event.target) ? chat : null;
  };
  addEventListener("dragover", (event) => {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    const chat = chatOf(event);
    event.dataTransfer.dropEffect = chat ? "copy" : "none";
    if (!chat) return leave();
    if (frame) return;
    frame = cloneTemplate("drop-frame");
    setText(part(frame, "text"), chat.label);
    chat.pane.append(frame);
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && leave());
  addEventListener("drop", (event) => {
    leave();
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    const chat = chatOf(event);
    if (!chat) return refuse();
    const { files, hasFolder } = filesOf(event.dataTransfer);
    chat.add(files, hasFolder);
  });
  addEventListener("paste", (event) => {
    const data = event.clipboardData;
    if (!hasFiles(data) || isText(data) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    const chat = target();
    if (!chat) return refuse();
    const { files, hasFolder } = filesOf(data);
    chat.add(files, hasFolder);
  });
}
