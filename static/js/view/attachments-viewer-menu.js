// The small menu of the viewer.

import { part } from "../lib/dom.js";

export class ViewerMenu {
  #menu;
  #opener;

  constructor(root) {
    this.#menu = part(root, "menu");
    this.#opener = part(root, "menu-opener");
    this.#menu.addEventListener("toggle", ({ newState }) =>
      this.#opener.setAttribute("aria-expanded", String(newState === "open")),
    );
    this.#menu.addEventListener("keydown", (event) => this.#key(event));
  }

  get #items() {
    return [...this.#menu.querySelectorAll('[role="menuitem"]:not([hidden])')];
  }

  /** `allowed`: the names of what it offers. */
  open(allowed) {
    for (const item of this.#menu.querySelectorAll("[data-do]")) item.hidden = !allowed.includes(item.dataset.do);
    this.#menu.showPopover();
    const { bottom, left, right } = this.#opener.getBoundingClientRect();
    const { width } = this.#menu.getBoundingClientRect();
    const start = getComputedStyle(this.#menu).direction === "rtl" ? left : right - width;
    const within = Math.max(8, Math.min(innerWidth - width - 8, start));
    Object.assign(this.#menu.style, { left: `${within}px`, top: `${bottom + 4}px` });
    this.#items[0].focus();
  }

  close() {
    if (this.#menu.matches(":popover-open")) this.#menu.hidePopover();
  }

  #key(event) {
    const items = this.#items;
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    // Escape closes one thing at a time.
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      this.close();
      return this.#opener.focus();
    }
    if (to === undefined) return;
    event.preventDefault();
    items.at(to % items.length).focus();
  }
}
