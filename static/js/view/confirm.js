// A confirmation dialog: "Revoke the link for Grandma Zoya?". Esc, the backdrop and the first button mean no.

import { part, setText, view } from "../lib/dom.js";
import { closeOnBackdropPress } from "./backdrop-close.js";

/** Promise of whether the user confirmed. The dialog is in the page, or in the dialog that asks. */
export function ask(text, root = document) {
  const dialog = view("ask", root);
  setText(part(dialog, "text"), text);
  dialog.returnValue = "";
  closeOnBackdropPress(dialog);
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}
