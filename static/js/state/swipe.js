// Detects a swipe across a message, towards its end: a reply (docs/interface.md X12). Pure.

/** Before this it may be a press, or the beginning of scrolling. */
const BEGINS_PX = 12;
const DONE_PX = 64;
const FARTHEST_PX = 88;

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
