// Typing indicators (docs/interface.md R3): when to send mine, and how long to show the peer's.

import { Timer } from "../lib/timing.js";

const AGAIN_MS = 3_000;
const PAUSE_MS = 5_000;
const SHOWN_AT_LEAST_MS = 800;
const QUIET_MS = 60_000;

export class OwnTyping {
  #clock;
  #send;
  #timer;
  #sentAt = null;
  #quietUntil = 0;

  /** `send(on)` sends it to the server. */
  constructor({ clock, send }) {
    this.#clock = clock;
    this.#send = send;
    this.#timer = new Timer(clock, () => this.stop());
  }

  /** A key changed the field to this. */
  typed(text) {
    const now = this.#clock.now();
    if (!text.trim()) return this.stop();
    if (now < this.#quietUntil) return;
    if (this.#sentAt === null || now - this.#sentAt >= AGAIN_MS) {
      this.#sentAt = now;
      this.#send(true);
    }
    this.#timer.set(now + PAUSE_MS);
  }

  /** Sent, emptied, left, hidden, or five seconds without a key. */
  stop() {
    this.#timer.clear();
    if (this.#sentAt === null) return;
    this.#sentAt = null;
    this.#send(false);
  }

  /** The server does not forward it (a block, a setting of the peer): nothing is sent for a while. */
  refused() {
    this.#timer.clear();
    this.#sentAt = null;
    this.#quietUntil = this.#clock.now() + QUIET_MS;
  }
}

export class PeerTyping {
  #clock;
  #onChange;
  #timer;
  #since = null;
  #until = 0;

  constructor({ clock, onChange = () => {} }) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#timer = new Timer(clock, () => this.#settle());
  }

  get on() {
    return this.#since !== null;
  }

  receive({ on, ttl_ms: ttl = 6_000 }) {
    const now = this.#clock.now();
    const wasOn = this.on;
    if (!on && !wasOn) return;
    this.#since ??= now;
    this.#until = on ? now + ttl : Math.max(now, this.#since + SHOWN_AT_LEAST_MS);
    if (!wasOn) this.#onChange();
    this.#settle();
  }

  /** The message that was being typed has arrived. */
  ended() {
    if (!this.on) return;
    this.#until = 0;
    this.#settle();
  }

  /** No further change is reported. */
  end() {
    this.#timer.clear();
    this.#onChange = () => {};
  }

  #settle() {
    this.#timer.clear();
    if (!this.on) return;
    if (this.#clock.now() < this.#until) return this.#timer.set(this.#until);
    this.#since = null;
    this.#onChange();
  }
}
