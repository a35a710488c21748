// The stage of the viewer: the picture on it, its zoom and its movement, by pointer, wheel and fingers.

import { part } from "../lib/dom.js";
import { Gestures, Zoom } from "../state/attachments-zoom.js";

const WHEEL_PX = 400;

export class Stage {
  #figure;
  #stage;
  #file = {};
  #gestures;
  zoom;

  /** `root` of the viewer, `clock`; `swiped(side)` -> 1 to the right, -1 to the left; `drawn()` after each change. */
  constructor({ root, clock, swiped, drawn }) {
    this.#stage = part(root, "stage");
    this.#figure = part(root, "figure");
    this.drawn = drawn;
    this.zoom = new Zoom({ size: () => this.#size });
    this.#gestures = new Gestures({
      zoom: this.zoom,
      now: () => clock.now(),
      changed: () => this.draw(),
      dragged: (px) => this.#figure.style.setProperty("--x", `${px}px`),
      swiped,
    });
    this.#listen();
  }

  /** Another picture. */
  show(file) {
    this.#file = file;
    this.zoom.reset();
    this.draw();
  }

  /** `change(zoom)`, and the picture follows. */
  change(change) {
    change(this.zoom);
    this.draw();
  }

  /** The size of the stage, and of the picture as it is shown without zoom. */
  get #size() {
    const { clientWidth: width, clientHeight: height } = this.#stage;
    const [w, h] = [this.#file.width || 1, this.#file.height || 1];
    const fit = Math.min(this.#figure.clientWidth / w, this.#figure.clientHeight / h);
    return { width, height, shownWidth: w * fit, shownHeight: h * fit };
  }

  draw() {
    const { zoom, x, y, isZoomed } = this.zoom;
    const { isHeld } = this.#gestures;
    const { style } = this.#figure;
    this.#figure.toggleAttribute("data-zoomed", isZoomed);
    this.#figure.toggleAttribute("data-held", isHeld);
    style.setProperty("--zoom", zoom);
    // A finger that has not zoomed moves it aside.
    if (isZoomed || !isHeld) style.setProperty("--x", `${x}px`);
    style.setProperty("--y", `${y}px`);
    this.drawn();
  }

  #listen() {
    const stage = this.#stage;
    const at = ({ clientX, clientY }) => {
      const { left, top, width, height } = stage.getBoundingClientRect();
      return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
    };
    stage.addEventListener("pointerdown", (event) => {
      if (event.button || event.target.closest("button")) return;
      stage.setPointerCapture?.(event.pointerId);
      this.#gestures.down(event.pointerId, at(event));
    });
    stage.addEventListener("pointermove", (event) => this.#gestures.move(event.pointerId, at(event)));
    stage.addEventListener("pointerup", (event) => this.#gestures.up(event.pointerId, at(event)));
    stage.addEventListener("pointercancel", () => this.#gestures.cancel());
    stage.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.change((zoom) => zoom.to(zoom.zoom * Math.exp(-event.deltaY / WHEEL_PX), at(event)));
      },
      { passive: false },
    );
  }
}
