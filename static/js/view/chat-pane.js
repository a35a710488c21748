// What one page of the shell has of its own, its title and the elements marked `data-swap`; and the placeholder of a
// loading chat.

import { cloneTemplate, part, setText, view } from "../lib/dom.js";

/** What the server drew around the messages: a change of these needs a new page. */
export const drawnAs = ({ peer, can_send: canSend, blocked, state }) => JSON.stringify([peer, canSend, blocked, state]);

export class ChatPane {
  /** The conversation on it (pages/chat-session.js), or null; `drawn` as what. */
  session = null;
  drawn = null;
  canWrite = null;
  isFailed = false;
  /** The composer of a loading chat (loadingPane), or null. */
  box = null;

  /** `title` of the page, if its number of unread messages is already in front of it. */
  constructor(page, path, title = page.title) {
    this.path = path;
    this.title = title;
    this.shows = view("shell", page).dataset.pane;
    this.parts = [...page.querySelectorAll("[data-swap]")];
  }

  get main() {
    return this.parts.find((element) => element.dataset.swap === "main");
  }

  hold(session, { conversation }) {
    this.session = session;
    if (session) Object.assign(this, { drawn: drawnAs(conversation), canWrite: conversation.can_write });
  }
}

/**
 * `title` of the page, `name` from the list; `room` null for the list itself. What is typed is stored as the draft of
 * the chat.
 */
export function loadingPane({ path, room, title, name, drafts }) {
  const main = cloneTemplate("waiting-chat");
  setText(part(main, "name"), name);
  const box = part(main, "waiting-box");
  if (room) {
    box.value = drafts.take(room)?.text ?? "";
    box.addEventListener("input", () => drafts.set(room, { text: box.value, caret: box.selectionStart }));
    box.addEventListener(
      "keydown",
      (event) =>
        event.key === "Enter" &&
        !event.shiftKey &&
        !event.isComposing &&
        event.keyCode !== 229 &&
        event.preventDefault(),
    );
  } else part(main, "waiting-composer").hidden = true;
  return Object.assign(new ChatPane(document, path), {
    title,
    box: room && box,
    shows: room ? "chat" : "list",
    parts: [main, cloneTemplate("waiting-skip")],
  });
}

/** Until there is a composer, typed characters go into the draft. Returns the function that ends it. */
export function collectKeys(room, drafts) {
  drafts.take(room);
  const keep = (event) => {
    const isOther = event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey;
    if (isOther || document.activeElement !== document.body) return;
    const text = drafts.get(room)?.text ?? "";
    const next =
      event.key === "Backspace"
        ? [...text].slice(0, -1).join("")
        : [...event.key].length === 1
          ? text + event.key
          : null;
    if (next === null) return;
    event.preventDefault();
    drafts.set(room, { text: next, caret: next.length });
  };
  document.addEventListener("keydown", keep, { capture: true });
  return () => document.removeEventListener("keydown", keep, { capture: true });
}

/** The page failed to load, or is loading again. Returns the sentence that says so. */
export function showFailed(main, isFailed) {
  if (isFailed) main.removeAttribute("aria-busy");
  else main.setAttribute("aria-busy", "true");
  part(main, "skeleton").hidden = isFailed;
  part(main, "failed").hidden = !isFailed;
  return part(main, "failed-text").textContent;
}
