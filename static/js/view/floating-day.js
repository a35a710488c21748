// The floating day (docs/interface.md H9): while the user scrolls, the day of the topmost message shows at the top.

import { part, setText } from "../lib/dom.js";

const STAYS_MS = 1_500;
const OWN_LINE_PX = 44;

export class FloatingDay {
  #scroller;
  #list;
  #label;
  #clock;
  #cancel = null;

  constructor({ scroller, list, clock }) {
    this.#scroller = scroller;
    this.#list = list;
    this.#clock = clock;
    this.#label = Object.assign(document.createElement("p"), { className: "floating-day", ariaHidden: "true" });
    this.#label.dataset.part = "floating-day";
    scroller.before(this.#label);
    // The browser scrolls by itself, too (new messages, a changed height); only input counts.
    for (const type of ["wheel", "touchmove", "keydown"])
      scroller.addEventListener(type, () => this.#moved(), { passive: true });
    scroller.addEventListener("scroll", () => this.#cancel && this.#moved(), { passive: true });
  }

  #moved() {
    this.#cancel?.();
    this.#cancel = this.#clock.after(STAYS_MS, () => this.#hide());
    requestAnimationFrame(() => this.#cancel && this.#announce());
  }

  #hide() {
    this.#cancel = null;
    delete this.#label.dataset.shown;
  }

  #announce() {
    const { top } = this.#scroller.getBoundingClientRect();
    let day = null;
    let isNear = false;
    for (const line of this.#list.querySelectorAll("[data-day]")) {
      const at = line.getBoundingClientRect().top - top;
      isNear ||= at > 0 && at < OWN_LINE_PX;
      if (at <= 0) day = line;
    }
    // The line of that day itself is near.
    if (!day || isNear) return delete this.#label.dataset.shown;
    setText(this.#label, part(day, "label").textContent);
    this.#label.dataset.shown = "true";
  }
}
