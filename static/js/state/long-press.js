// Detects a long press: a finger that stays where it is. Pure; the clock is passed in.

const HOLD_MS = 500;
/** A finger never stays perfectly still. */
const STILL_PX = 10;

export class LongPress {
  #clock;
  #onHold;
  #cancel = null;
  #from = null;

  /** `onHold({x, y, target})`. */
  constructor({ clock, onHold }) {
    this.#clock = clock;
    this.#onHold = onHold;
  }

  /** The first finger is down. */
  start({ x, y, target }) {
    this.end();
    this.#from = { x, y, target };
    this.#cancel = this.#clock.after(HOLD_MS, () => {
      this.#cancel = null;
      this.#onHold(this.#from);
    });
  }

  move({ x, y }) {
    if (this.#cancel && Math.hypot(x - this.#from.x, y - this.#from.y) > STILL_PX) this.end();
  }

  /** Lifted, a second finger, scrolled, or the browser reports a long press itself. */
  end() {
    this.#cancel?.();
    this.#cancel = null;
  }
}
