// Zoom and movement of the picture in the viewer, by buttons, keys, wheel and fingers. Numbers only: the view applies
// them. Points are relative to the middle of the stage.

const LARGEST = 8;
const DOUBLE = 2.5;
const STEP = 1.5;
const SWIPE_PX = 60;
const TAP_PX = 10;
const DOUBLE_TAP_MS = 300;

const between = (number, low, high) => Math.min(high, Math.max(low, number));

export class Zoom {
  zoom = 1;
  x = 0;
  y = 0;

  /** `size()` -> {width, height} of the stage, {shownWidth, shownHeight} of the picture at zoom 1. */
  constructor({ size }) {
    this.size = size;
  }

  get isZoomed() {
    return this.zoom > 1;
  }

  reset() {
    Object.assign(this, { zoom: 1, x: 0, y: 0 });
  }

  in(point) {
    this.to(this.zoom * STEP, point);
  }

  out(point) {
    this.to(this.zoom / STEP, point);
  }

  /** Near, and back. */
  toggle(point) {
    if (this.isZoomed) this.reset();
    else this.to(DOUBLE, point);
  }

  /** The point of the picture below `point` stays there. */
  to(zoom, { x, y } = { x: 0, y: 0 }) {
    const next = between(zoom, 1, LARGEST);
    const by = next / this.zoom;
    this.x = x - (x - this.x) * by;
    this.y = y - (y - this.y) * by;
    this.zoom = next;
    this.#limit();
  }

  /** Returns whether it moved: at its edge it does not. */
  move(dx, dy) {
    const { x, y } = this;
    this.x += dx;
    this.y += dy;
    this.#limit();
    return this.x !== x || this.y !== y;
  }

  /** No empty stage beside a picture that is larger than it. */
  #limit() {
    const { width, height, shownWidth, shownHeight } = this.size();
    const most = (shown, room) => Math.max(0, (shown * this.zoom - room) / 2);
    this.x = between(this.x, -most(shownWidth, width), most(shownWidth, width)) || 0;
    this.y = between(this.y, -most(shownHeight, height), most(shownHeight, height)) || 0;
  }
}

const middle = ([a, b = a]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
const distance = ([a, b]) => Math.hypot(a.x - b.x, a.y - b.y);

/** Fingers and the mouse on the stage: pinch, drag, swipe, double press. */
export class Gestures {
  #points = new Map();
  #options;
  #start = null;
  #wasPinch = false;
  #tapAt = -Infinity;

  /** `zoom` (Zoom), `now()`, `changed()`, `swiped(step)` -> 1 to the right, -1 to the left, `dragged(px)` meanwhile. */
  constructor(options) {
    this.#options = options;
  }

  get isHeld() {
    return this.#points.size > 0;
  }

  down(id, point) {
    if (!this.#points.size) {
      this.#start = point;
      this.#wasPinch = false;
    }
    this.#points.set(id, point);
    if (this.#points.size > 1) this.#wasPinch = true;
  }

  move(id, point) {
    const { zoom, changed, dragged } = this.#options;
    if (!this.#points.has(id) || this.#points.size > 2) return;
    const before = [...this.#points.values()];
    this.#points.set(id, point);
    const after = [...this.#points.values()];
    const [from, to] = [middle(before), middle(after)];
    if (after.length === 2 && distance(before)) zoom.to((zoom.zoom * distance(after)) / distance(before), to);
    if (after.length === 2 || zoom.isZoomed) zoom.move(to.x - from.x, to.y - from.y);
    else if (!this.#wasPinch) dragged(point.x - this.#start.x);
    changed();
  }

  up(id, point) {
    if (!this.#points.delete(id) || this.#points.size) return;
    const { zoom, swiped, dragged, changed, now } = this.#options;
    const [dx, dy] = [point.x - this.#start.x, point.y - this.#start.y];
    dragged(0);
    if (this.#wasPinch) return changed();
    if (Math.hypot(dx, dy) < TAP_PX) this.#tap(point, now());
    else if (!zoom.isZoomed && Math.abs(dx) > SWIPE_PX && Math.abs(dx) > Math.abs(dy)) swiped(Math.sign(dx));
    changed();
  }

  cancel() {
    this.#points.clear();
    this.#options.dragged(0);
    this.#options.changed();
  }

  #tap(point, at) {
    const isDouble = at - this.#tapAt < DOUBLE_TAP_MS;
    this.#tapAt = isDouble ? -Infinity : at;
    if (isDouble) this.#options.zoom.toggle(point);
  }
}
