// The read marker: what counts as read on this device (docs/interface.md R1). Loaded when idle.

import { Timer } from "../lib/timing.js";

const IN_VIEW_MS = 500;
const REFOCUS_MS = 1_000;
const PRESENT_MS = 120_000;

/** A message is read when it was in view for half a second, on a visible focused page, with a user who is active. */
export class ReadMarker {
  /** The highest seq that was read here. */
  read = 0;
  #clock;
  #onRead;
  #timer;
  #attentiveFrom = null;
  #lastInput;
  #inView = [];

  constructor({ clock, onRead }) {
    this.#clock = clock;
    this.#onRead = onRead;
    this.#lastInput = clock.now();
    this.#timer = new Timer(clock, () => this.#evaluate());
  }

  /** The page is visible and focused, or no longer. Opening a chat counts at once, a return only after a second. */
  attention(isAttentive, { isReturn = true } = {}) {
    if (!isAttentive) this.#attentiveFrom = null;
    else this.#attentiveFrom ??= this.#clock.now() + (isReturn ? REFOCUS_MS : 0);
    this.#evaluate();
  }

  /** A key, a pointer or a touch: the user is active. */
  input() {
    this.#lastInput = this.#clock.now();
    this.#evaluate();
  }

  /** The newest message whose bottom edge is in view now; 0 for none. */
  shows(seq) {
    this.#inView = this.#inView.filter((view) => view.seq <= seq);
    if (seq > this.read && seq > (this.#inView.at(-1)?.seq ?? 0)) this.#inView.push({ seq, from: this.#clock.now() });
    this.#evaluate();
  }

  #evaluate() {
    const now = this.#clock.now();
    this.#timer.clear();
    if (this.#attentiveFrom === null || !this.#inView.length || now - this.#lastInput > PRESENT_MS) return;
    const due = (view) => Math.max(view.from + IN_VIEW_MS, this.#attentiveFrom);
    const seen = this.#inView.findLast((view) => due(view) <= now);
    if (seen) {
      this.read = seen.seq;
      this.#inView = this.#inView.filter((view) => view.seq > seen.seq);
      this.#onRead(seen.seq);
    }
    if (this.#inView.length) this.#timer.set(Math.min(...this.#inView.map(due)));
  }
}
