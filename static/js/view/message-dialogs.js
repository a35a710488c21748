// Dialogs about messages: for whom to delete them, and what is known of one. Loaded when idle.

import { cloneTemplate, part, setText } from "../lib/dom.js";
import { factsOf, words } from "../state/attachments-words.js";
import { closeOnBackdropPress } from "./backdrop-close.js";

const EDIT_MS = 24 * 3_600_000;

/** A fresh dialog; gone when it closes. The focus returns to where it was, unless that is gone. */
function open(name, fill) {
  const dialog = cloneTemplate(name);
  const opener = document.activeElement;
  document.body.append(dialog);
  fill(dialog);
  closeOnBackdropPress(dialog);
  const closed = new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (document.activeElement === document.body) opener?.focus?.({ preventScroll: true });
      done(dialog.returnValue);
    });
  });
  dialog.showModal();
  return closed;
}

const excerpt = (message, t) => {
  const text = message.body || words(message.attachments, t);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
};

/** Promise of "everyone", "me", or "" for neither. */
export function askDeletion({ messages, forBoth, peerName, t }) {
  return open("delete-messages", (dialog) => {
    const n = messages.length;
    const title = n === 1 ? t("Delete this message?") : t("Delete {n} message?|Delete {n} messages?", { n });
    setText(part(dialog, "title"), title);
    setText(part(dialog, "text"), n === 1 ? excerpt(messages[0], t) : "");
    part(dialog, "everyone").hidden = !forBoth;
    setText(
      part(dialog, "note"),
      forBoth
        ? t("Deleted for both, it is gone for {name}, too.", { name: peerName })
        : t("{name} keeps it.", { name: peerName }),
    );
  });
}

function fileLine(file, t) {
  const line = document.createElement("p");
  const name = Object.assign(document.createElement("bdi"), { textContent: file.name });
  line.append(name, ` · ${factsOf(file, t)}`);
  return line;
}

/**
 * `read` and `delivered`: up to which message the peer has received and read; `times` (ReceiptTimes) when, if this
 * device saw it.
 */
export function showInfo({ message, room, me, read, delivered, peer, times, t, dates, now }) {
  const isMine = message.sender === me;
  const told = (kind, upTo) => {
    const at = times.at(room, kind, message.seq);
    if (message.seq > upTo) return t("Not yet");
    return at === null ? t("Yes") : dates.full(at);
  };
  const until = Date.parse(message.created_at) + EDIT_MS;
  const rows = {
    from: isMine ? t("You") : peer.name,
    sent: dates.full(message.created_at),
    edited: message.edited_at && dates.full(message.edited_at),
    delivered: isMine && told("delivered", Math.max(delivered, read)),
    read: isMine && told("read", read),
    until: isMine && until > now() && t("until {time}", { time: dates.full(until) }),
  };
  return open("message-info", (dialog) => {
    setText(part(dialog, "text"), excerpt(message, t));
    const files = (message.attachments ?? []).map((file) => fileLine(file, t));
    part(dialog, "files").replaceChildren(...files);
    part(dialog, "files").closest("div").hidden = !files.length;
    for (const [name, text] of Object.entries(rows)) {
      setText(part(dialog, name), text || "");
      part(dialog, name).closest("div").hidden = !text;
    }
  });
}
