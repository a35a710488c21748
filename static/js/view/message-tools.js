// What can be done with one message: two small buttons beside it, and a menu. One of each for the whole page; they move to where they are wanted.

import { cloneTemplate } from "../lib/dom.js";
import { copied, textOf } from "./message-copy.js";

export class MessageTools {
  #with;
  #bar = cloneTemplate("message-tools");
  #menu = cloneTemplate("message-menu");
  #of = null;
  #opened = null;

  /** `room`; `say(text)` tells screen readers; `toast(text)` shows what was done. */
  constructor({ root, list, room, t, say, toast }) {
    this.#with = { list, room, t, say, toast };
    root.append(this.#menu);
    list.addEventListener("pointerover", ({ target, pointerType }) => pointerType === "mouse" && this.#show(target.closest("li[data-id]")));
    list.addEventListener("focusin", ({ target }) => this.#show(target.closest("li[data-id]")));
    list.addEventListener("contextmenu", (event) => this.#rightPress(event));
    this.#bar.addEventListener("click", ({ target }) => this.#act(target.closest("[data-do]")?.dataset.do, this.#bar.closest("li")));
    this.#menu.addEventListener("click", ({ target }) => this.#act(target.closest("[data-do]")?.dataset.do, this.#of));
    this.#menu.addEventListener("toggle", ({ newState }) => newState === "closed" && this.#opened?.abort());
    this.#menu.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Under its message, or where the pointer is. */
  menu(li, { x, y } = {}) {
    if (!li || !textOf(li)) return;
    this.#of = li;
    for (const item of this.#menu.querySelectorAll('[data-do="link"]')) item.hidden = !li.dataset.seq;
    this.#menu.showPopover();
    const box = this.#menu.getBoundingClientRect();
    const by = li.querySelector("article").getBoundingClientRect();
    const left = Math.min(x ?? (li.dataset.own === "true" ? by.right - box.width : by.left), innerWidth - box.width - 8);
    const top = Math.min(y ?? by.bottom + 4, innerHeight - box.height - 8);
    Object.assign(this.#menu.style, { left: `${Math.max(8, left)}px`, top: `${Math.max(8, top)}px` });
    this.#items[0]?.focus();
    // It stands where its message stood.
    addEventListener("resize", () => this.#close(), { signal: (this.#opened = new AbortController()).signal });
  }

  async copy(li) {
    if (await copied(textOf(li))) this.#done("Copied");
  }

  get #items() {
    return [...this.#menu.querySelectorAll('[role="menuitem"]:not([hidden])')];
  }

  #show(li) {
    const article = li?.querySelector("article");
    // Nothing can be done with what is gone, and what failed has its own buttons.
    if (article && !li.dataset.deleted && this.#bar.parentElement !== article) article.append(this.#bar);
  }

  /** The browser's own menu stays for selected text and for links. */
  #rightPress(event) {
    const li = event.target.closest("li[data-id]");
    if (!li || event.target.closest("a") || String(getSelection())) return;
    event.preventDefault();
    this.menu(li, event.clientX || event.clientY ? { x: event.clientX, y: event.clientY } : {});
  }

  #act(what, li) {
    if (!what || !li) return;
    if (what === "menu") return this.menu(li);
    this.#close();
    if (what === "copy") this.copy(li);
    if (what === "link") copied(`${location.origin}/chats/${this.#with.room}/?m=${li.dataset.seq}`).then((isDone) => isDone && this.#done("Link copied"));
  }

  #done(what) {
    const { t, say, toast } = this.#with;
    const text = { Copied: t("Copied"), "Link copied": t("Link copied") }[what];
    toast(text);
    say(text);
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
    // One press closes one thing.
    event.stopPropagation();
  }
}
