// Drafts follow the user to other devices: sent after a pause, taken over where nothing else was typed.

import { normalised } from "../lib/body-text.js";
import { Timer } from "../lib/timing.js";

const SEND_AFTER_MS = 1_500;

/** The key of the text that the server has, as far as this device knows. */
const known = (room) => `known:${room}`;
const isDraft = ({ command }) => command.type === "draft.set";
const isWaiting = ({ command, state }) => command.type === "message.send" && ["pending", "sent"].includes(state);

export class DraftSync {
  #options;
  #timer;
  #changed = new Set();
  /** The longest text that the server takes; a longer one stays on this device, and the composer says so. */
  limit = 8_000;

  /**
   * `drafts`, `outbox`, `list`, `store`, `clock`; `isTouched(room)`: the user is typing there; `show(room, draft)` in
   * the composer, if there is one; `askedAt`: when the browser asked for the page.
   */
  constructor(options) {
    this.#options = options;
    this.#timer = new Timer(options.clock, () => this.flush());
  }

  /** The page was loaded: what another device has typed, and what this one could not send before it was closed. */
  start() {
    const { store, list, outbox, askedAt } = this.#options;
    for (const name of store.keys("draft:")) if (name.split(":").length === 2) this.#changed.add(name.split(":")[1]);
    for (const { room } of list.rows) {
      // The server took a draft or a message after it had made the page: the row's draft may be the one before.
      if (outbox.endedAt(room) >= askedAt) this.#know(room, this.#known(room));
      else this.changed(room, { isFresh: true });
    }
    this.flush();
  }

  /** This device has stored a draft. */
  saved(room, { text }) {
    const { outbox, clock } = this.#options;
    // The server removes the draft together with the message that it has become.
    if (!text.trim() && outbox.messages(room).length) return this.#forget(room);
    if (this.#text(room) === this.#known(room)) return void this.#changed.delete(room);
    this.#changed.add(room);
    this.#timer.set(clock.now() + SEND_AFTER_MS);
  }

  #forget(room) {
    this.#changed.delete(room);
    this.#withdraw(room);
    this.#know(room, "");
  }

  /** The row follows, too: the server tells only the other devices. */
  #know(room, draft) {
    const { store, list } = this.#options;
    store.set(known(room), draft);
    const row = list.get(room);
    if (row) list.put({ ...row, draft });
  }

  /** The page closes, or the pause is over. */
  flush() {
    this.#timer.clear();
    const { outbox } = this.#options;
    for (const room of this.#changed) {
      const body = this.#text(room);
      this.#changed.delete(room);
      if (body === this.#known(room) || [...body].length > this.limit) continue;
      this.#withdraw(room);
      this.#know(room, body);
      outbox.add({ room, command: { type: "draft.set", body } });
    }
  }

  /** The row of the room has changed, or the user has left its message box. `isFresh`: the page was just opened. */
  changed(room, { isFresh = false } = {}) {
    const { outbox, list, isTouched } = this.#options;
    for (const { id, state } of outbox.entries(room).filter(isDraft)) if (state === "failed") outbox.discard(id);
    const { draft } = list.get(room) ?? {};
    const was = this.#known(room);
    // What waits here is newer than what the server can say: a draft, or a message, which removes the server's.
    if (draft == null || draft === was || this.#changed.has(room)) return;
    if (outbox.entries(room).some((entry) => isDraft(entry) || isWaiting(entry))) return;
    const here = this.#text(room);
    if (here !== draft && isTouched(room) && (here || !isFresh)) return;
    if (here !== draft && here && here !== was) return this.#send(room);
    this.#options.store.set(known(room), draft);
    if (here !== draft) this.#take(room, draft);
  }

  /** Typed here and never told: it stays. */
  #send(room) {
    this.#changed.add(room);
    this.flush();
  }

  #take(room, text) {
    const { drafts, show } = this.#options;
    const draft = { text, caret: text.length };
    // From here on it belongs to this tab, which may replace it.
    drafts.take(room);
    drafts.set(room, draft);
    drafts.flush();
    show(room, draft);
  }

  #known(room) {
    return this.#options.store.get(known(room)) ?? "";
  }

  #text(room) {
    const { text = "" } = this.#options.drafts.get(room) ?? {};
    return text.trim() ? normalised(text) : "";
  }

  #withdraw(room) {
    const { outbox } = this.#options;
    for (const { id } of outbox.entries(room).filter(isDraft)) outbox.withdraw(id);
  }
}
