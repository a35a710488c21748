// "Revoke the link for Grandma Zoya?": one question in a dialog of its own. Esc, a press beside it and the first button all mean no.

import { part, setText, view } from "../lib/dom.js";
import { closeOnBackdropPress } from "./backdrop-close.js";

/** Promise of whether the answer was yes. The dialog stands in the page, or in the dialog that asks. */
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
