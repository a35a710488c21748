// How far this device has come: what counts as read (ui-spec R1), and telling the server, the highest number only.

import { Alarm } from "../lib/timing.js";
import { receiptSet } from "../protocol/commands.js";

const IN_VIEW_MS = 500;
const REFOCUS_MS = 1_000;
const PRESENT_MS = 120_000;
const EVERY_MS = 1_000;

/** Read is what was in view for half a second, in a visible focused page, before somebody who is there. */
export class ReadMarker {
  /** The highest seq that was read here. */
  read = 0;
  #clock;
  #onRead;
  #alarm;
  #attentiveFrom = null;
  #lastInput;
  #inView = [];

  constructor({ clock, onRead }) {
    this.#clock = clock;
    this.#onRead = onRead;
    this.#lastInput = clock.now();
    this.#alarm = new Alarm(clock, () => this.#judge());
  }

  /** The page is visible and its window has focus, or no longer. Opening a chat counts at once, coming back waits a second. */
  attention(isAttentive, { isReturn = true } = {}) {
    if (!isAttentive) this.#attentiveFrom = null;
    else this.#attentiveFrom ??= this.#clock.now() + (isReturn ? REFOCUS_MS : 0);
    this.#judge();
  }

  /** A key, a pointer or a touch: somebody is there. */
  input() {
    this.#lastInput = this.#clock.now();
    this.#judge();
  }

  /** The newest message of which the bottom edge is inside the list now; 0 for none. */
  shows(seq) {
    this.#inView = this.#inView.filter((view) => view.seq <= seq);
    if (seq > this.read && seq > (this.#inView.at(-1)?.seq ?? 0)) this.#inView.push({ seq, from: this.#clock.now() });
    this.#judge();
  }

  #judge() {
    const now = this.#clock.now();
    this.#alarm.clear();
    if (this.#attentiveFrom === null || !this.#inView.length || now - this.#lastInput > PRESENT_MS) return;
    const due = (view) => Math.max(view.from + IN_VIEW_MS, this.#attentiveFrom);
    const seen = this.#inView.findLast((view) => due(view) <= now);
    if (seen) {
      this.read = seen.seq;
      this.#inView = this.#inView.filter((view) => view.seq > seen.seq);
      this.#onRead(seen.seq);
    }
    if (this.#inView.length) this.#alarm.set(Math.min(...this.#inView.map(due)));
  }
}

/** Tells the server, at most once a second per room. */
export class Receipts {
  #clock;
  #send;
  #alarm;
  #due = new Map();
  #told = new Map();
  #isLive = false;
  #isUnderstood = true;

  constructor({ clock, send }) {
    this.#clock = clock;
    this.#send = send;
    this.#alarm = new Alarm(clock, () => this.flush());
  }

  delivered(room, seq) {
    this.#raise(room, { delivered: seq });
  }

  read(room, seq) {
    this.#raise(room, { delivered: seq, read: seq });
  }

  /** After a reconnect everything is told again: nobody knows what the lost connection took along, and a repeat changes nothing. */
  setLive(isLive) {
    if (isLive && !this.#isLive) for (const room of this.#told.keys()) this.#repeat(room);
    this.#isLive = isLive;
    if (isLive) this.flush();
  }

  /** The server was too busy to take it. */
  again(room) {
    if (!this.#told.has(room)) return;
    this.#repeat(room);
    this.flush();
  }

  /** An older server knows no receipts: silence for the rest of this page's life. */
  stop() {
    this.#isUnderstood = false;
    this.#due.clear();
    this.#told.clear();
  }

  /** Says everything now: the chat is being left. */
  flush() {
    this.#alarm.clear();
    if (!this.#isLive) return;
    for (const [room, { delivered, read }] of this.#due) {
      if (!this.#send(receiptSet({ room, delivered, read }))) return;
      this.#due.delete(room);
      this.#told.set(room, { delivered, read, at: this.#clock.now() });
    }
  }

  #repeat(room) {
    this.#due.set(room, { ...this.#told.get(room), ...this.#due.get(room) });
  }

  #raise(room, marks) {
    if (!this.#isUnderstood) return;
    const told = this.#told.get(room) ?? { delivered: 0, read: 0, at: -EVERY_MS };
    const due = this.#due.get(room) ?? told;
    const next = { delivered: Math.max(due.delivered ?? 0, marks.delivered), read: Math.max(due.read ?? 0, marks.read ?? 0) };
    if (next.delivered === (due.delivered ?? 0) && next.read === (due.read ?? 0)) return;
    this.#due.set(room, next);
    this.#alarm.set(Math.max(this.#clock.now(), told.at + EVERY_MS));
  }
}
