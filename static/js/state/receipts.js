// Sends receipts: at most once a second per room, and only the highest number.

import { Timer } from "../lib/timing.js";
import { receiptSet } from "../protocol/commands.js";

const EVERY_MS = 1_000;

export class Receipts {
  #clock;
  #send;
  #timer;
  #due = new Map();
  #sent = new Map();
  #isLive = false;
  #isUnderstood = true;

  constructor({ clock, send }) {
    this.#clock = clock;
    this.#send = send;
    this.#timer = new Timer(clock, () => this.flush());
  }

  delivered(room, seq) {
    this.#advance(room, { delivered: seq });
  }

  read(room, seq) {
    this.#advance(room, { delivered: seq, read: seq });
  }

  /**
   * After a reconnect everything is sent again: receipts may have been lost with the connection, and a repeat changes
   * nothing.
   */
  setLive(isLive) {
    if (isLive && !this.#isLive) for (const room of this.#sent.keys()) this.#requeue(room);
    this.#isLive = isLive;
    if (isLive) this.flush();
  }

  /** The server refused it for now. */
  resend(room) {
    if (!this.#sent.has(room)) return;
    this.#requeue(room);
    this.flush();
  }

  /** An older server knows no receipts: none are sent as long as this page lives. */
  stop() {
    this.#isUnderstood = false;
    this.#due.clear();
    this.#sent.clear();
  }

  /** Sends everything now: the chat is being left. */
  flush() {
    this.#timer.clear();
    if (!this.#isLive) return;
    for (const [room, { delivered, read }] of this.#due) {
      if (!this.#send(receiptSet({ room, delivered, read }))) return;
      this.#due.delete(room);
      this.#sent.set(room, { delivered, read, at: this.#clock.now() });
    }
  }

  #requeue(room) {
    this.#due.set(room, { ...this.#sent.get(room), ...this.#due.get(room) });
  }

  #advance(room, marks) {
    if (!this.#isUnderstood) return;
    const sent = this.#sent.get(room) ?? { delivered: 0, read: 0, at: -EVERY_MS };
    const due = this.#due.get(room) ?? sent;
    const next = {
      delivered: Math.max(due.delivered ?? 0, marks.delivered),
      read: Math.max(due.read ?? 0, marks.read ?? 0),
    };
    if (next.delivered === (due.delivered ?? 0) && next.read === (due.read ?? 0)) return;
    this.#due.set(room, next);
    this.#timer.set(Math.max(this.#clock.now(), sent.at + EVERY_MS));
  }
}
