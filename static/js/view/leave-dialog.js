// Asks before a log-out that would delete unsent messages or drafts. Loaded only when there are some.

import { part, setText, view } from "../lib/dom.js";
import { translator } from "../lib/text.js";
import { closeOnBackdropPress } from "./backdrop-close.js";

/** Promise of whether to log out. `kept` is {messages, drafts, files}; Esc, the backdrop and "Stay" mean no. */
export function confirmLogOut(kept) {
  const dialog = view("leave");
  const t = translator(JSON.parse(document.getElementById("client-texts").textContent), document.documentElement.lang);
  setText(part(dialog, "text"), sentences(kept, t).join(" "));
  dialog.returnValue = "";
  closeOnBackdropPress(dialog);
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "leave"), { once: true });
    dialog.showModal();
  });
}

const sentences = ({ messages, drafts, files }, t) =>
  [
    messages &&
      t(
        "{n} message has not been sent. It will be deleted from this device.|{n} messages have not been sent. They will be deleted from this device.",
        { n: messages },
      ),
    drafts &&
      t("{n} draft will be deleted from this device.|{n} drafts will be deleted from this device.", { n: drafts }),
    files && t("{n} file will be deleted from this device.|{n} files will be deleted from this device.", { n: files }),
  ].filter(Boolean);
