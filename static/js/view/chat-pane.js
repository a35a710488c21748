// What one page of the shell has of its own: its title, and the elements marked `data-swap`. Everything else stays (view/chat-switching.js).

import { view } from "../lib/dom.js";

/** What the server drew around the messages: another name or picture, or a chat that was closed, wants a new page. */
export const drawnAs = ({ peer, can_send: canSend, blocked, state }) => JSON.stringify([peer, canSend, blocked, state]);

export class Pane {
  /** The conversation on it (pages/chat-session.js), or null; `drawn` as what. */
  open = null;
  drawn = null;
  canWrite = null;
  isFailed = false;
  /** The message box of a chat that is on its way (loading-chat.js), or null. */
  box = null;

  /** `title` of the page, where a number stands before it already. */
  constructor(page, path, title = page.title) {
    this.path = path;
    this.title = title;
    this.shows = view("shell", page).dataset.pane;
    this.parts = [...page.querySelectorAll("[data-swap]")];
  }

  get main() {
    return this.parts.find((element) => element.dataset.swap === "main");
  }

  holds(open, { conversation }) {
    this.open = open;
    if (open) Object.assign(this, { drawn: drawnAs(conversation), canWrite: conversation.can_write });
  }
}
