// A finger on a message: a long press opens its menu; a swipe towards its end is a reply (docs/interface.md X12). Pure;
// the clock is passed in.

const HOLD_MS = 500;
/** A finger never stays perfectly still. */
const STILL_PX = 10;

/** A finger that stays where it is. */
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

/** Before this it may be a press, or the beginning of scrolling. */
const BEGINS_PX = 12;
const DONE_PX = 64;
const FARTHEST_PX = 88;

/** A finger that moves across the message. */
export class Swipe {
  #options;
  #from = null;
  #isOn = false;
  #by = 0;

  /** `onMove(target, px)` shows it, `onDone(target)`; `isRightToLeft()` of the page. */
  constructor(options) {
    this.#options = { isRightToLeft: () => false, ...options };
  }

  start({ x, y, target }) {
    this.cancel();
    this.#from = { x, y, target };
  }

  /** Returns whether the finger swipes: then it neither scrolls nor presses. */
  move({ x, y }) {
    if (!this.#from) return false;
    const { isRightToLeft, onMove } = this.#options;
    const across = (x - this.#from.x) * (isRightToLeft() ? -1 : 1);
    const down = Math.abs(y - this.#from.y);
    if (!this.#isOn && (down > BEGINS_PX || across < -BEGINS_PX)) return (this.cancel(), false);
    if (!this.#isOn && across <= BEGINS_PX) return false;
    this.#isOn = true;
    this.#by = Math.min(FARTHEST_PX, Math.max(0, across - BEGINS_PX));
    onMove(this.#from.target, this.#by);
    return true;
  }

  end() {
    const { target } = this.#from ?? {};
    const isDone = this.#isOn && this.#by >= DONE_PX - BEGINS_PX;
    this.cancel();
    if (isDone) this.#options.onDone(target);
  }

  /** A second finger, or the browser has taken the gesture over. */
  cancel() {
    if (this.#isOn) this.#options.onMove(this.#from.target, 0);
    this.#from = null;
    this.#isOn = false;
    this.#by = 0;
  }
}
