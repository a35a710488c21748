// Several messages selected: copied, forwarded or deleted together. Loaded when idle.

import { cloneTemplate, part, setData, setText, view } from "../lib/dom.js";
import { rove } from "../lib/keys.js";

const MOST = 100;

export class MessageSelection {
  #options;
  #list;
  #bar = null;
  #settle = null;
  #watch = null;
  /** The seqs, and where a range with Shift begins. */
  #chosen = new Set();
  #anchor = null;

  /** `root`, `list`, `t`; `actions` does what was chosen; `messageOf(li)` -> message or null. */
  constructor(options) {
    this.#options = options;
    this.#list = view("timeline", options.root);
    this.#list.addEventListener("click", (event) => this.isOn && this.#press(event), { capture: true });
  }

  get isOn() {
    return this.#bar !== null;
  }

  begin(li) {
    const { root } = this.#options;
    const area = view("composer-area", root);
    this.#bar = cloneTemplate("selection");
    this.#bar.addEventListener("click", ({ target }) => this.#act(target.closest("[data-do]")?.dataset.do));
    area.append(this.#bar);
    this.#settle = rove(this.#bar);
    setData(area, "selecting", "true");
    setData(this.#list, "selecting", "true");
    this.#watch = new MutationObserver(() => this.#mark());
    this.#watch.observe(this.#list, { childList: true });
    this.#mark();
    this.#toggle(li, false);
    part(li, "select")?.focus({ preventScroll: true });
  }

  end() {
    if (!this.isOn) return;
    this.#watch.disconnect();
    for (const box of this.#list.querySelectorAll('[data-part="select"]')) box.remove();
    for (const li of this.#elements) delete li.dataset.selected;
    delete this.#list.dataset.selecting;
    delete this.#bar.parentElement.dataset.selecting;
    this.#bar.remove();
    this.#bar = null;
    const last = this.#elements.find(({ dataset }) => Number(dataset.seq) === this.#anchor);
    this.#chosen.clear();
    last?.querySelector("article").focus({ preventScroll: true });
  }

  get #elements() {
    return [...this.#list.querySelectorAll("li[data-seq]")];
  }

  /** Each stored message gets its box; new ones while they arrive. */
  #mark() {
    for (const li of this.#elements) {
      if (part(li, "select") || !this.#options.messageOf(li)) continue;
      const box = cloneTemplate("select-box");
      const { id } = li.querySelector("article");
      box.setAttribute("aria-labelledby", `${id}-who ${id}-body`);
      li.prepend(box);
    }
    // Deleted meanwhile.
    const there = new Set(this.#elements.map(({ dataset }) => Number(dataset.seq)));
    for (const seq of this.#chosen) if (!there.has(seq)) this.#chosen.delete(seq);
    this.#count();
  }

  #press(event) {
    const li = event.target.closest("li[data-seq]");
    if (!li) return;
    event.stopPropagation();
    const isBox = event.target.matches('[data-part="select"]');
    if (!isBox) event.preventDefault();
    this.#toggle(li, event.shiftKey);
    // The browser sets the box itself after this.
    if (isBox) queueMicrotask(() => this.#show(li));
  }

  #toggle(li, isRange) {
    const seq = Number(li.dataset.seq);
    const elements = this.#elements;
    const from = isRange ? elements.findIndex(({ dataset }) => Number(dataset.seq) === this.#anchor) : -1;
    const to = elements.indexOf(li);
    const range = from < 0 ? [li] : elements.slice(Math.min(from, to), Math.max(from, to) + 1);
    const isOn = from >= 0 || !this.#chosen.has(seq);
    for (const element of range) {
      const its = Number(element.dataset.seq);
      if (!isOn) this.#chosen.delete(its);
      else if (this.#chosen.size < MOST) this.#chosen.add(its);
      this.#show(element);
    }
    this.#anchor = seq;
    this.#count();
  }

  #show(li) {
    const isOn = this.#chosen.has(Number(li.dataset.seq));
    setData(li, "selected", isOn && "true");
    const box = part(li, "select");
    if (box) box.checked = isOn;
  }

  #count() {
    const { t } = this.#options;
    const n = this.#chosen.size;
    setText(part(this.#bar, "count"), t("{n} selected|{n} selected", { n }));
    for (const button of this.#bar.querySelectorAll('[data-do]:not([data-do="end"])')) button.disabled = !n;
    this.#settle();
  }

  async #act(name) {
    const { actions, messageOf } = this.#options;
    const chosen = this.#elements.filter(({ dataset }) => this.#chosen.has(Number(dataset.seq)));
    const seqs = (elements) => elements.map(({ dataset }) => Number(dataset.seq));
    const isThere = (li) => {
      const { kind, body, deleted_at: at } = messageOf(li);
      return kind === "text" && Boolean(body) && !at;
    };
    if (name === "end") return this.end();
    if (name === "copy") await actions.copyLines(chosen.filter(isThere));
    // The selection stays until a chat is chosen.
    else if (name === "forward") return actions.forward(seqs(chosen.filter(isThere)), () => this.end());
    else if (name !== "remove" || !(await actions.remove(seqs(chosen)))) return;
    this.end();
  }

  /** Returns whether it was a key for the selection. */
  key(event) {
    if (!this.isOn || document.querySelector("dialog[open]")) return false;
    const li = event.target.closest?.("li[data-seq]");
    if (event.key === "Escape") this.end();
    else if (event.key === "Delete" && !event.target.matches?.("textarea, input:not([type=checkbox])"))
      this.#act("remove");
    else if (li && event.key === " " && event.target.matches("article")) this.#toggle(li, event.shiftKey);
    else if (event.target.matches('[data-part="select"]') && ["ArrowUp", "ArrowDown"].includes(event.key))
      this.#step(li, event.key === "ArrowDown" ? 1 : -1);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #step(li, step) {
    const elements = this.#elements;
    part(elements[elements.indexOf(li) + step], "select")?.focus();
  }
}
