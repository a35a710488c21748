// What was typed and not sent, per conversation: kept half a second after the last key, and at once when the page goes.

import { Alarm } from "../lib/timing.js";

const SAVE_AFTER_MS = 500;
const LONGEST = 64 * 1024;
const key = (room) => `draft:${room}`;

export class Drafts {
  #store;
  #onSaved;
  #unsaved = new Map();
  #alarm;
  #clock;

  constructor({ store, clock, onSaved = () => {} }) {
    this.#store = store;
    this.#clock = clock;
    this.#onSaved = onSaved;
    this.#alarm = new Alarm(clock, () => this.flush());
  }

  /** `{text, caret}` or null. */
  get(room) {
    const draft = this.#unsaved.get(room) ?? this.#store.get(key(room));
    return draft?.text ? draft : null;
  }

  /** Something is nowhere but in this page: after `flush()`, what the browser would not keep. */
  get isAtRisk() {
    return [...this.#unsaved.values()].some(({ text }) => text.trim());
  }

  set(room, { text, caret }) {
    this.#unsaved.set(room, { text: text.slice(0, LONGEST), caret });
    this.#alarm.set(this.#clock.now() + SAVE_AFTER_MS);
  }

  /** Sent or emptied: gone at once, so that a reload does not offer it again. */
  clear(room) {
    this.#unsaved.set(room, { text: "", caret: 0 });
    this.flush();
  }

  flush() {
    this.#alarm.clear();
    for (const [room, draft] of this.#unsaved) {
      const isKept = draft.text.trim() ? this.#store.set(key(room), draft) : (this.#store.remove(key(room)), true);
      // Where the browser keeps nothing, the page does as long as it lives.
      if (isKept) this.#unsaved.delete(room);
      this.#onSaved(room, draft);
    }
  }
}
