// Telling the server how far this device has come: at most once a second per room, the highest number only.

import { Alarm } from "../lib/timing.js";
import { receiptSet } from "../protocol/commands.js";

const EVERY_MS = 1_000;

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
    const next = {
      delivered: Math.max(due.delivered ?? 0, marks.delivered),
      read: Math.max(due.read ?? 0, marks.read ?? 0),
    };
    if (next.delivered === (due.delivered ?? 0) && next.read === (due.read ?? 0)) return;
    this.#due.set(room, next);
    this.#alarm.set(Math.max(this.#clock.now(), told.at + EVERY_MS));
  }
}
