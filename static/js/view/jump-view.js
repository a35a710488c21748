// The button that leads to the end (ui-spec H7): shown far from it, or when something new stands below.

import { part, setText, view } from "../lib/dom.js";

export class JumpView {
  #button;
  #t;
  #keeper;
  #seen = 0;

  /** `divider()` -> the "new messages" element or null: the first press goes there if it is below the view. */
  constructor({ root, t, keeper, divider }) {
    this.#button = view("jump", root);
    this.#t = t;
    this.#keeper = keeper;
    this.#button?.addEventListener("click", () => {
      const target = divider();
      if (target && keeper.isBelowView(target)) keeper.toQuarter(target);
      else keeper.toEnd();
    });
  }

  /** `messages` ascending; `me` does not count. */
  update(messages, me) {
    if (!this.#button) return;
    this.#seen = Math.max(this.#seen, this.#keeper.isAtEnd ? (messages.at(-1)?.seq ?? 0) : this.#keeper.newestInView());
    const below = messages.filter((message) => message.seq > this.#seen && message.sender !== me).length;
    this.#button.hidden = !this.#keeper.isFar && (below === 0 || this.#keeper.isAtEnd);
    setText(part(this.#button, "count"), below ? String(Math.min(below, 99)) : "");
    this.#button.setAttribute("aria-label", below ? this.#t("{n} new message below|{n} new messages below", { n: below }) : this.#t("To the newest message"));
  }
}
