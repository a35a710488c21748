// The toolbar beside a message and its menu, one of each per chat, moved to where they are needed; long press and
// swipe.

import { cloneTemplate, part, view } from "../lib/dom.js";
import { rove } from "../lib/keys.js";
import { LongPress, Swipe } from "../state/fingers.js";

/** Pictures and files fill their bubble: a long press on one is meant for the message. */
const FILE = '[data-part="open"], [data-part="save"]';
const CONTROL = `:is(a, button, input, video):not(${FILE})`;
const OTHER_LINK = `a:not([data-part="quote"], ${FILE})`;

export class MessageTools {
  #options;
  #bar = cloneTemplate("message-tools");
  #settle = rove(this.#bar);
  #menu = cloneTemplate("message-menu");
  #of = null;
  #opened = null;
  #hold;
  #swipe;

  /** `root`, `list`, `t`, `clock`; `actions` (MessageActions); `pickEmoji(opener)` -> promise of an emoji or null. */
  constructor(options) {
    const { root, list, clock } = (this.#options = options);
    root.append(this.#menu);
    list.addEventListener(
      "pointerover",
      ({ target, pointerType }) => pointerType === "mouse" && this.#show(target.closest("li[data-id]")),
    );
    list.addEventListener("focusin", ({ target }) => this.#show(target.closest("li[data-id]")));
    list.addEventListener("contextmenu", (event) => this.#rightPress(event));
    // What appears under the pointer can be sent away without moving it (WCAG 1.4.13).
    root.addEventListener(
      "keydown",
      ({ key }) => key === "Escape" && !this.#bar.contains(document.activeElement) && this.#bar.remove(),
    );
    this.#hold = new LongPress({ clock, onHold: ({ target, ...at }) => this.menu(target, { ...at, isHeld: true }) });
    this.#swipe = new Swipe({
      onMove: (li, px) => this.#shift(li, px),
      onDone: (li) => this.#options.actions.run("reply", li),
      isRightToLeft: () => getComputedStyle(list).direction === "rtl",
    });
    this.#watchFingers(list, view("scroller", root));
    list.addEventListener("click", (event) => this.#isLifted && event.preventDefault(), { capture: true });
    this.#bar.addEventListener("click", ({ target }) => this.#act(target, this.#bar.closest("li")));
    this.#menu.addEventListener("click", ({ target }) => this.#act(target, this.#of));
    this.#menu.addEventListener("toggle", ({ newState }) => newState === "closed" && this.#opened?.abort());
    this.#menu.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Opens under its message, or at the pointer. `isHeld`: a finger is still down there. */
  menu(li, { x, y, isHeld = false, isReacting = false } = {}) {
    const allowed = li ? this.#options.actions.allowed(li) : new Set();
    if (!allowed.size) return;
    this.#of = li;
    // The browser closes an auto popover when the finger is lifted outside of it.
    this.#menu.popover = isHeld ? "manual" : "auto";
    for (const item of this.#menu.querySelectorAll(":scope > [data-do]")) item.hidden = !allowed.has(item.dataset.do);
    this.#fillReactions(li, allowed.has("react"));
    this.#menu.showPopover();
    const box = this.#menu.getBoundingClientRect();
    const by = li.querySelector("article").getBoundingClientRect();
    const left = Math.min(
      x ?? (li.dataset.own === "true" ? by.right - box.width : by.left),
      innerWidth - box.width - 8,
    );
    const top = Math.min(y ?? by.bottom + 4, innerHeight - box.height - 8);
    Object.assign(this.#menu.style, { left: `${Math.max(8, left)}px`, top: `${Math.max(8, top)}px` });
    (isReacting ? this.#chips : this.#items)[0]?.focus();
    // Its position depends on the message's position.
    const { signal } = (this.#opened = new AbortController());
    addEventListener("resize", () => this.#close(), { signal });
    if (isHeld)
      document.addEventListener("pointerdown", ({ target }) => !this.#menu.contains(target) && this.#close(), {
        signal,
        capture: true,
      });
  }

  #fillReactions(li, isOffered) {
    const row = part(this.#menu, "reactions");
    row.hidden = !isOffered;
    if (!isOffered) return row.replaceChildren();
    const { mine, emoji } = this.#options.actions.reactions(li);
    row.replaceChildren(
      ...emoji.map((one) => {
        const button = Object.assign(document.createElement("button"), {
          type: "button",
          className: "menu__emoji",
          textContent: one,
          tabIndex: -1,
        });
        button.setAttribute("role", "menuitemcheckbox");
        button.setAttribute("aria-checked", String(one === mine));
        Object.assign(button.dataset, { do: "react", emoji: one });
        return button;
      }),
    );
    if (this.#options.pickEmoji) row.append(cloneTemplate("more-emoji"));
  }

  /**
   * iPhones do not report a long press on plain text, and other phones not always. Links and fields keep the browser's
   * own menu.
   */
  #watchFingers(list, scroller) {
    const hold = this.#hold;
    const swipe = this.#swipe;
    const end = () => (hold.end(), swipe.cancel());
    list.addEventListener("pointerdown", ({ pointerType, isPrimary, clientX: x, clientY: y, target }) => {
      const li = target.closest("li[data-id]");
      if (pointerType === "mouse") return;
      if (!isPrimary || !li || !target.closest("article") || target.closest(CONTROL)) return end();
      hold.start({ x, y, target: li });
      if (this.#options.actions.allowed(li).has("reply")) swipe.start({ x, y, target: li });
    });
    list.addEventListener(
      "pointermove",
      ({ clientX: x, clientY: y }) => {
        hold.move({ x, y });
        if (swipe.move({ x, y })) hold.end();
      },
      { passive: true },
    );
    list.addEventListener("pointerup", () => (swipe.end(), hold.end()));
    list.addEventListener("pointercancel", end);
    scroller?.addEventListener("scroll", end, { passive: true });
  }

  #shift(li, px) {
    const article = li.querySelector("article");
    if (px) article.style.setProperty("--swipe", `${px}px`);
    else article.style.removeProperty("--swipe");
    if (px) li.dataset.swiped = "true";
    else delete li.dataset.swiped;
  }

  /** The finger that opened the menu is lifted: no press on the picture below it. */
  get #isLifted() {
    return this.#menu.popover === "manual" && this.#menu.matches(":popover-open");
  }

  get #chips() {
    return [...part(this.#menu, "reactions").querySelectorAll("button")];
  }

  get #items() {
    return [...this.#menu.querySelectorAll(":scope > [data-do]:not([hidden])")];
  }

  #show(li) {
    const article = li?.querySelector("article");
    const allowed = article ? this.#options.actions.allowed(li) : new Set();
    // A deleted message has only its menu, and a failed one its own buttons.
    if (!article || li.dataset.deleted || !allowed.size) return;
    for (const button of this.#bar.children)
      button.hidden = button.dataset.do !== "menu" && !allowed.has(button.dataset.do);
    if (this.#bar.parentElement !== article) article.append(this.#bar);
    this.#settle();
  }

  /** The browser's own menu stays for selected text and for links. */
  #rightPress(event) {
    const li = event.target.closest("li[data-id]");
    const isLink = event.target.closest(OTHER_LINK);
    if (!li || isLink || String(getSelection()) || !this.#options.actions.allowed(li).size) return;
    event.preventDefault();
    this.#hold.end();
    // A long press may raise this event as well, before or after it has opened the menu.
    if (this.#of === li && this.#menu.matches(":popover-open")) return;
    this.menu(li, event.clientX || event.clientY ? { x: event.clientX, y: event.clientY } : {});
  }

  #act(target, li) {
    const { do: what, emoji = null } = target.closest("[data-do]")?.dataset ?? {};
    const { actions } = this.#options;
    if (!what || !li) return;
    if (what === "menu") return this.menu(li);
    if (what === "react" && !emoji) return this.menu(li, { isReacting: true });
    this.#close();
    if (what === "more-emoji") return this.#pick(li);
    actions.run(what, li, emoji);
  }

  async #pick(li) {
    const emoji = await this.#options.pickEmoji(li.querySelector("article"));
    if (emoji) this.#options.actions.run("react", li, emoji);
  }

  #close() {
    if (!this.#menu.matches(":popover-open")) return;
    this.#menu.hidePopover();
    this.#of?.querySelector("article").focus({ preventScroll: true });
  }

  #key(event) {
    const isOnEmoji = this.#chips.includes(document.activeElement);
    const items = isOnEmoji ? this.#chips : this.#items;
    const at = items.indexOf(document.activeElement);
    const [forward, back] = getComputedStyle(this.#menu).direction === "rtl" ? [-1, 1] : [1, -1];
    const to = isOnEmoji
      ? { ArrowRight: at + forward, ArrowLeft: at + back, Home: 0, End: items.length - 1 }[event.key]
      : { Home: 0, End: items.length - 1 }[event.key];
    const whole = [...this.#chips.slice(0, 1), ...this.#items];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = whole.length + (isOnEmoji ? 0 : whole.indexOf(document.activeElement)) + step;
    if (to !== undefined) items.at(to % items.length).focus();
    else if (step) whole[next % whole.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") this.#close();
    else return;
    event.preventDefault();
    // Escape closes one thing at a time.
    event.stopPropagation();
  }
}
