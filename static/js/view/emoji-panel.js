// The emoji panel (docs/interface.md X9): search, skin tone, categories, and a grid with roving focus. A popover beside
// its opener; a sheet on a phone.

import { cloneTemplate, part, setData, setText } from "../lib/dom.js";
import { isComposing } from "../lib/keys.js";
import { EmojiRecents, withTone } from "../state/emoji-recents.js";
import { NARROW, placeBeside } from "./place-beside.js";

const CELL_PX = 44;
const COLUMNS = { wide: 8, atLeast: 6, atMost: 12 };

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

const columns = () =>
  matchMedia(NARROW).matches
    ? Math.max(COLUMNS.atLeast, Math.min(COLUMNS.atMost, Math.floor((innerWidth - 16) / CELL_PX)))
    : COLUMNS.wide;

export class EmojiPanel {
  #t;
  #announce;
  #recents;
  #loadData;
  #panel = cloneTemplate("emoji-panel");
  #query = part(this.#panel, "query");
  #tone = part(this.#panel, "tone");
  #body = part(this.#panel, "body");
  #emoji = null;
  /** What `open` was given, while it is open. */
  #opened = null;
  /** The rows of cells on the panel, and the entry of each cell. */
  #rows = [];
  #entries = new WeakMap();
  #current = null;

  /** `load()` resolves to an EmojiSearch. */
  constructor({ t, store, announce, load }) {
    this.#loadData = load;
    this.#t = t;
    this.#announce = announce;
    this.#recents = new EmojiRecents({ store });
    document.body.append(this.#panel);
    this.#query.addEventListener("input", () => this.#searched());
    this.#tone.addEventListener("change", () => this.#toneChosen());
    this.#panel.addEventListener("keydown", (event) => this.#key(event));
    this.#panel.addEventListener("click", (event) => this.#press(event));
    this.#panel.addEventListener("toggle", ({ newState }) => newState === "closed" && this.#closed());
    this.#panel.addEventListener("focusout", ({ relatedTarget }) => this.#left(relatedTarget));
    for (const type of ["pointerover", "focusin"])
      this.#body.addEventListener(type, ({ target }) => this.#name(target.closest('[role="gridcell"]')));
    this.#body.addEventListener("scroll", () => this.#markTab(), { passive: true });
  }

  async open(how) {
    if (this.#opened) this.#panel.hidePopover();
    this.#opened = how;
    this.#markExpanded(true);
    this.#query.value = "";
    this.#tone.value = String(this.#recents.tone);
    this.#panel.style.setProperty("--columns", columns());
    this.#panel.showPopover();
    placeBeside(this.#panel, how.anchor);
    // On a touch screen a focused field would bring up the keyboard over the panel.
    if (matchMedia("(hover: hover) and (pointer: fine)").matches) this.#query.focus({ preventScroll: true });
    else this.#body.focus({ preventScroll: true });
    await this.#load();
  }

  /** The anchor of a reaction is the message itself, which does not expand. */
  #markExpanded(isOpen) {
    const { anchor } = this.#opened;
    if (anchor.hasAttribute("aria-haspopup")) anchor.setAttribute("aria-expanded", String(isOpen));
  }

  async #load() {
    setData(this.#panel, "state", this.#emoji ? null : "loading");
    try {
      this.#emoji ??= await this.#loadData();
      setData(this.#panel, "state", null);
      this.#searched();
    } catch {
      setData(this.#panel, "state", "failed");
    }
  }

  /** The focus returns only if the user has not moved it elsewhere meanwhile. */
  #closed() {
    if (!this.#opened) return;
    const { anchor, onClose } = this.#opened;
    this.#markExpanded(false);
    this.#opened = null;
    const focused = document.activeElement;
    if (focused && focused !== document.body && focused !== anchor && !this.#panel.contains(focused)) return;
    if (onClose) onClose();
    else anchor.focus({ preventScroll: true });
  }

  #left(to) {
    if (to && this.#opened && !this.#panel.contains(to) && to !== this.#opened.anchor) this.#panel.hidePopover();
  }

  // --- What is shown ---

  #searched() {
    const query = this.#query.value.trim();
    if (!this.#emoji) return;
    this.#rows = [];
    const sections = query ? [this.#found(query)] : this.#categories();
    this.#body.replaceChildren(...sections);
    this.#body.scrollTop = 0;
    this.#rove(this.#rows[0]?.[0] ?? null);
    this.#markTab();
  }

  #found(query) {
    const found = this.#emoji.search(query);
    setData(this.#panel, "state", found.length ? null : "empty");
    this.#announce(this.#t("{n} emoji found|{n} emoji found", { n: found.length }));
    return this.#section(this.#query.getAttribute("aria-label"), found, "found");
  }

  #categories() {
    setData(this.#panel, "state", null);
    const known = this.#recents.list.map((emoji) => ({ ...this.#emoji.find(emoji), emoji, hasTones: false }));
    const lists = [known.filter(({ name }) => name), ...this.#emoji.categories];
    return this.#tabs.map((tab, index) => {
      tab.hidden = !lists[index].length;
      return this.#section(tab.getAttribute("aria-label"), lists[index], index);
    });
  }

  get #tabs() {
    return [...part(this.#panel, "tabs").children];
  }

  #section(name, entries, category) {
    const grid = make("div", { "role": "grid", "aria-label": name });
    const title = make("h3", { class: "emoji-panel__title" }, name);
    const section = make("section", { "class": "emoji-panel__section", "data-category": category }, title, grid);
    section.hidden = !entries.length;
    const width = columns();
    for (let at = 0; at < entries.length; at += width) {
      const cells = entries.slice(at, at + width).map((entry) => this.#cell(entry));
      this.#rows.push(cells);
      grid.append(make("div", { role: "row", class: "emoji-panel__row" }, ...cells));
    }
    return section;
  }

  #cell(entry) {
    const shown = entry.hasTones ? withTone(entry.emoji, this.#recents.tone) : entry.emoji;
    const attributes = { "type": "button", "role": "gridcell", "tabindex": -1, "aria-label": entry.name };
    const cell = make("button", { class: "emoji-panel__cell", ...attributes }, shown);
    this.#entries.set(cell, { ...entry, shown });
    return cell;
  }

  #toneChosen() {
    this.#recents.tone = Number(this.#tone.value);
    this.#searched();
  }

  #name(cell) {
    setText(part(this.#panel, "name"), cell ? this.#entries.get(cell).name : "");
  }

  #markTab() {
    const top = this.#body.scrollTop;
    const at = [...this.#body.children].findLast((section) => !section.hidden && section.offsetTop <= top + 1);
    for (const [index, tab] of this.#tabs.entries()) setData(tab, "current", at?.dataset.category === String(index));
  }

  // --- Keys and presses ---

  /** The one cell that Tab reaches. */
  #rove(cell) {
    if (this.#current) this.#current.tabIndex = -1;
    this.#current = cell;
    if (cell) cell.tabIndex = 0;
  }

  #focus(cell) {
    if (!cell) return;
    this.#rove(cell);
    cell.focus();
  }

  #key(event) {
    if (isComposing(event)) return;
    const cell = event.target.closest('[role="gridcell"]');
    const isHandled =
      event.key === "Escape"
        ? (this.#panel.hidePopover(), true)
        : cell
          ? this.#cellKey(event, cell)
          : event.target === this.#query && this.#queryKey(event);
    if (!isHandled) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #queryKey({ key }) {
    if (key === "ArrowDown") this.#focus(this.#rows[0]?.[0]);
    else if (key !== "Enter") return false;
    else if (this.#query.value.trim() && this.#rows.length) this.#pick(this.#rows[0][0]);
    return true;
  }

  #cellKey({ key, ctrlKey, metaKey, altKey }, cell) {
    const row = this.#rows.findIndex((cells) => cells.includes(cell));
    const at = this.#rows[row].indexOf(cell);
    const forward = getComputedStyle(this.#panel).direction === "rtl" ? -1 : 1;
    const all = this.#rows.flat();
    const beside = (step) => all[all.indexOf(cell) + step];
    const inRow = (step) => this.#rows[row + step]?.[Math.min(at, this.#rows[row + step].length - 1)];
    const targets = {
      ArrowRight: () => beside(forward),
      ArrowLeft: () => beside(-forward),
      ArrowDown: () => inRow(1),
      ArrowUp: () => inRow(-1) ?? this.#query,
      Home: () => this.#rows[row][0],
      End: () => this.#rows[row].at(-1),
      PageDown: () => this.#ofSection(cell, "nextElementSibling"),
      PageUp: () => this.#ofSection(cell, "previousElementSibling"),
    };
    if (targets[key]) {
      const target = targets[key]();
      if (target === this.#query) target.focus();
      else this.#focus(target);
      return true;
    }
    // Typing goes on in the search, as everywhere in the app (docs/interface.md X10).
    if (key.length === 1 && key !== " " && !ctrlKey && !metaKey && !altKey) this.#query.focus();
    return false;
  }

  #ofSection(cell, which) {
    let section = cell.closest("section")[which];
    while (section?.hidden) section = section[which];
    return section?.querySelector('[role="gridcell"]');
  }

  #press({ target, detail }) {
    const cell = target.closest('[role="gridcell"]');
    if (cell) return this.#pick(cell, { isByPointer: detail > 0 });
    if (target.closest('[data-action="load-again"]')) return this.#load();
    const tab = target.closest("[data-tab]");
    if (!tab || !this.#emoji) return;
    if (this.#query.value) this.#query.value = "";
    this.#searched();
    const section = this.#body.children[this.#tabs.indexOf(tab)];
    this.#body.scrollTop = section.offsetTop;
    if (detail === 0) this.#focus(section.querySelector('[role="gridcell"]'));
  }

  #pick(cell, { isByPointer = false } = {}) {
    const { onPick, staysOpen } = this.#opened;
    const { shown } = this.#entries.get(cell);
    this.#recents.used(shown);
    if (!(staysOpen && isByPointer)) this.#panel.hidePopover();
    onPick(shown);
  }
}
