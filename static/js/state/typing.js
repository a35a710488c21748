// Signs of typing (ui-spec R3): when to send that I type, and for how long to believe that the peer does.

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

  /** `send(on)` tells the server. */
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

  /** The server does not pass it on (a block, a switch of the peer): no further word for a while. */
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

  /** What was being typed is here. */
  ended() {
    if (!this.on) return;
    this.#until = 0;
    this.#settle();
  }

  /** Nothing more is told of it. */
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
