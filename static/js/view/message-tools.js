// The actions of a message: two small buttons and a menu, one of each per chat, moved to where they are needed.

import { cloneTemplate, view } from "../lib/dom.js";
import { copyText } from "./clipboard.js";
import { LongPress } from "../state/long-press.js";
import { textOf } from "./message-copy.js";

export class MessageTools {
  #options;
  #bar = cloneTemplate("message-tools");
  #menu = cloneTemplate("message-menu");
  #of = null;
  #opened = null;
  #hold;

  /** `root`, `list`, `room`, `t`, `clock`; `announce(text)` for screen readers; `toast(text)` shows the result. */
  constructor(options) {
    const { root, list, clock } = (this.#options = options);
    root.append(this.#menu);
    list.addEventListener(
      "pointerover",
      ({ target, pointerType }) => pointerType === "mouse" && this.#show(target.closest("li[data-id]")),
    );
    list.addEventListener("focusin", ({ target }) => this.#show(target.closest("li[data-id]")));
    list.addEventListener("contextmenu", (event) => this.#rightPress(event));
    this.#hold = new LongPress({ clock, onHold: ({ target, ...at }) => this.menu(target, { ...at, isHeld: true }) });
    this.#watchFingers(list, view("scroller", root));
    this.#bar.addEventListener("click", ({ target }) =>
      this.#act(target.closest("[data-do]")?.dataset.do, this.#bar.closest("li")),
    );
    this.#menu.addEventListener("click", ({ target }) => this.#act(target.closest("[data-do]")?.dataset.do, this.#of));
    this.#menu.addEventListener("toggle", ({ newState }) => newState === "closed" && this.#opened?.abort());
    this.#menu.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Opens under its message, or at the pointer. `isHeld`: a finger is still down there. */
  menu(li, { x, y, isHeld = false } = {}) {
    if (!li || !textOf(li)) return;
    this.#of = li;
    // The browser closes an auto popover when the finger is lifted outside of it.
    this.#menu.popover = isHeld ? "manual" : "auto";
    for (const item of this.#menu.querySelectorAll('[data-do="link"]')) item.hidden = !li.dataset.seq;
    this.#menu.showPopover();
    const box = this.#menu.getBoundingClientRect();
    const by = li.querySelector("article").getBoundingClientRect();
    const left = Math.min(
      x ?? (li.dataset.own === "true" ? by.right - box.width : by.left),
      innerWidth - box.width - 8,
    );
    const top = Math.min(y ?? by.bottom + 4, innerHeight - box.height - 8);
    Object.assign(this.#menu.style, { left: `${Math.max(8, left)}px`, top: `${Math.max(8, top)}px` });
    this.#items[0]?.focus();
    // Its position depends on the message's position.
    const { signal } = (this.#opened = new AbortController());
    addEventListener("resize", () => this.#close(), { signal });
    if (isHeld)
      document.addEventListener("pointerdown", ({ target }) => !this.#menu.contains(target) && this.#close(), {
        signal,
        capture: true,
      });
  }

  /**
   * iPhones do not report a long press on plain text, and other phones not always. Links and fields keep the browser's
   * own menu.
   */
  #watchFingers(list, scroller) {
    const hold = this.#hold;
    list.addEventListener("pointerdown", ({ pointerType, isPrimary, clientX: x, clientY: y, target }) => {
      const li = target.closest("li[data-id]");
      if (pointerType === "mouse") return;
      if (isPrimary && li && target.closest("article") && !target.closest("a, button"))
        hold.start({ x, y, target: li });
      else hold.end();
    });
    list.addEventListener("pointermove", ({ clientX: x, clientY: y }) => hold.move({ x, y }), { passive: true });
    for (const type of ["pointerup", "pointercancel"]) list.addEventListener(type, () => hold.end());
    scroller?.addEventListener("scroll", () => hold.end(), { passive: true });
  }

  async copy(li) {
    const { t } = this.#options;
    this.#announce(
      (await copyText(textOf(li)))
        ? t("Copied")
        : t("This browser doesn’t let the page copy. Select the text and copy it."),
    );
  }

  get #items() {
    return [...this.#menu.querySelectorAll('[role="menuitem"]:not([hidden])')];
  }

  #show(li) {
    const article = li?.querySelector("article");
    // A deleted message has no actions, and a failed one its own buttons.
    if (article && !li.dataset.deleted && this.#bar.parentElement !== article) article.append(this.#bar);
  }

  /** The browser's own menu stays for selected text and for links. */
  #rightPress(event) {
    const li = event.target.closest("li[data-id]");
    if (!li || event.target.closest("a") || String(getSelection())) return;
    event.preventDefault();
    this.#hold.end();
    // A long press may raise this event as well, before or after it has opened the menu.
    if (this.#of === li && this.#menu.matches(":popover-open")) return;
    this.menu(li, event.clientX || event.clientY ? { x: event.clientX, y: event.clientY } : {});
  }

  #act(what, li) {
    if (!what || !li) return;
    if (what === "menu") return this.menu(li);
    this.#close();
    if (what === "copy") this.copy(li);
    if (what === "link") this.#copyLink(li);
  }

  async #copyLink(li) {
    const { room, t } = this.#options;
    const link = `${location.origin}/chats/${room}/?m=${li.dataset.seq}`;
    this.#announce(
      (await copyText(link))
        ? t("Link copied")
        : `${t("This browser doesn’t let the page copy. Select the text and copy it.")} ${link}`,
    );
  }

  #announce(text) {
    const { announce, toast } = this.#options;
    toast(text);
    announce(text);
  }

  #close() {
    if (!this.#menu.matches(":popover-open")) return;
    this.#menu.hidePopover();
    this.#of?.querySelector("article").focus({ preventScroll: true });
  }

  #key(event) {
    const items = this.#items;
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items.at(to % items.length).focus();
    else if (event.key === "Escape" || event.key === "Tab") this.#close();
    else return;
    event.preventDefault();
    // Escape closes one thing at a time.
    event.stopPropagation();
  }
}
