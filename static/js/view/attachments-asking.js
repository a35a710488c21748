// Two questions: what a picture shows, and whether a recording may be deleted.

import { cloneTemplate } from "../lib/dom.js";
import { closeOnBackdropPress } from "./backdrop-close.js";

/** A fresh dialog, gone when it closes: promise of how it was answered. */
function answerOf(dialog) {
  document.body.append(dialog);
  closeOnBackdropPress(dialog);
  return new Promise((answer) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue);
    });
    dialog.showModal();
  });
}

/** Promise of the description, or of null: unchanged. */
export async function askDescription(text) {
  const dialog = cloneTemplate("describe");
  const field = dialog.querySelector("textarea");
  field.value = text;
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    dialog.close("save");
  });
  return (await answerOf(dialog)) === "save" ? field.value.replace(/\s+/g, " ").trim() : null;
}

/** Esc and the backdrop keep it. */
export const askDeletion = async () => (await answerOf(cloneTemplate("ask-recording"))) === "yes";
