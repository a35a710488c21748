// The tray in the composer: a tile for each file, with its menu, its keys and dragging.

import { action, cloneTemplate, part, setData, setText, view } from "../lib/dom.js";
import { fileSize, playTime } from "../lib/file-size.js";
import { askDescription } from "./attachments-asking.js";
import { openMenu } from "./attachments-menu.js";

const MOVES = { earlier: -1, later: 1 };

/** "PDF": what a tile without a picture shows. */
const ending = ({ name }) => (/\.([^.]{1,6})$/.exec(name)?.[1] ?? "").toUpperCase();

export class TrayView {
  #options;
  #form;
  #root = null;
  #placeholder;
  /** By id of the item. */
  #tiles = new Map();
  #focused = null;
  #dragged = null;
  #note = { text: "", items: "" };

  /** `root`, `tray`, `files` (LocalFiles), `t`, `language`, `announce(text)`, `leave()` focuses the message box. */
  constructor(options) {
    this.#options = options;
    this.#form = view("composer", options.root);
    this.#placeholder = this.#form.elements.body.placeholder;
    this.render();
  }

  render() {
    const { tray, t } = this.#options;
    const field = this.#form.elements.body;
    setData(this.#form, "files", tray.isFilled && "true");
    field.placeholder = tray.isFilled ? t("Add a caption") : this.#placeholder;
    if (!tray.isFilled && !this.#root) return;
    this.#root ??= this.#make();
    this.#root.hidden = !tray.isFilled;
    const list = part(this.#root, "list");
    const hadFocus = list.contains(document.activeElement);
    const isKept = new Set(tray.items.map(({ id }) => id));
    for (const [id, tile] of this.#tiles) if (!isKept.has(id)) (tile.remove(), this.#tiles.delete(id));
    tray.items.forEach((item, index) => {
      const tile = this.#tiles.get(item.id) ?? this.#tile(item);
      this.#fill(tile, item, index);
      if (list.children[index] !== tile) list.insertBefore(tile, list.children[index] ?? null);
    });
    const isSame = this.#note.items === tray.items.map(({ id }) => id).join();
    setText(part(this.#root, "note"), isSame ? this.#note.text : "");
    this.#settle();
    if (hadFocus && !list.contains(document.activeElement)) {
      if (tray.isFilled) this.#opener(this.#focused)?.focus();
      else this.#options.leave();
    }
  }

  /** A sentence below the files, until they change. */
  note(text) {
    this.#note = { text, items: this.#options.tray.items.map(({ id }) => id).join() };
    this.render();
  }

  /** The tile of this file gets the focus: where a keyboard on the screen would cover the chat. */
  focus(id) {
    this.#opener(id)?.focus();
  }

  #make() {
    const root = cloneTemplate("tray");
    part(this.#form, "send").parentElement.before(root);
    root.addEventListener("click", (event) => this.#press(event));
    root.addEventListener("keydown", (event) => this.#key(event));
    root.addEventListener("focusin", ({ target }) => {
      this.#focused = target.closest("[data-item]")?.dataset.item ?? this.#focused;
      this.#settle();
    });
    for (const type of ["dragstart", "dragover", "drop", "dragend"])
      root.addEventListener(type, (event) => this.#drag(event));
    return root;
  }

  #tile({ id }) {
    const tile = cloneTemplate("tray-item");
    tile.dataset.item = id;
    tile.draggable = true;
    this.#tiles.set(id, tile);
    return tile;
  }

  #fill(tile, item, index) {
    const { t, language, files, tray } = this.#options;
    const { name, kind, size, seconds, alt } = item;
    const isShown = kind === "picture" || kind === "video";
    const n = tray.items.length;
    const kinds = { picture: t("Photo"), video: t("Video"), voice: t("Voice message"), file: t("File") };
    const opener = action("tray-menu", tile);
    const described = alt && isShown ? t("described: {text}", { text: alt }) : "";
    const place = n > 1 ? t("{at} of {n}", { at: index + 1, n }) : "";
    const all = [kinds[kind], name, seconds ? playTime(seconds) : fileSize(size, language), described, place];
    opener.setAttribute("aria-label", all.filter(Boolean).join(", "));
    setData(tile, "kind", kind);
    setText(part(tile, "name"), kind === "voice" ? t("Voice message") : name);
    tile.title = `${name}, ${fileSize(size, language)}`;
    const label = seconds ? playTime(seconds) : isShown ? "" : ending(item);
    setText(part(tile, "label"), label);
    action("tray-remove", tile).setAttribute("aria-label", t("Remove {name}", { name }));
    this.#show(opener, isShown ? files.urlOf(item.id) : null, item);
  }

  #show(opener, url, { id, kind }) {
    const { tray } = this.#options;
    const shown = opener.querySelector("img, video");
    if (!url) return shown?.remove();
    if (shown) return;
    if (kind === "video") {
      const video = Object.assign(document.createElement("video"), { muted: true, preload: "metadata", src: url });
      video.addEventListener("loadedmetadata", () => {
        const { duration, videoWidth: width, videoHeight: height } = video;
        const seconds = Number.isFinite(duration) ? Math.round(duration * 10) / 10 : undefined;
        if (tray.get(id) && !tray.get(id).width) tray.change(id, { width, height, seconds });
      });
      return opener.append(video);
    }
    const picture = Object.assign(new Image(), { alt: "", decoding: "async", draggable: false, src: url });
    picture.addEventListener("error", () => this.#options.unreadable(id));
    picture.addEventListener("load", () => this.#options.measured(id, picture.naturalWidth, picture.naturalHeight));
    opener.append(picture);
  }

  #opener(id) {
    const tile = this.#tiles.get(id) ?? this.#tiles.values().next().value;
    return tile ? action("tray-menu", tile) : null;
  }

  /** One tab stop; the arrow keys move between the files. */
  #settle() {
    if (!this.#tiles.has(this.#focused)) this.#focused = this.#options.tray.items[0]?.id ?? null;
    for (const [id, tile] of this.#tiles) action("tray-menu", tile).tabIndex = id === this.#focused ? 0 : -1;
  }

  #press({ target }) {
    const id = target.closest("[data-item]")?.dataset.item;
    if (target.closest('[data-action="tray-remove"]')) this.#remove(id);
    else if (target.closest('[data-action="tray-menu"]')) this.#menu(id);
  }

  #menu(id) {
    const { tray } = this.#options;
    const item = tray.get(id);
    if (!item) return;
    const at = tray.items.indexOf(item);
    const offers = {
      describe: item.kind === "picture" || item.kind === "video",
      "as-file": item.kind === "picture" || item.kind === "video",
      "as-picture": item.kind === "file" && ["picture", "video"].includes(item.canBe) && !item.isRefused,
      listen: item.kind === "voice",
      earlier: at > 0,
      later: at < tray.items.length - 1,
      remove: true,
    };
    const allowed = Object.keys(offers).filter((name) => offers[name]);
    openMenu({ template: "tray-menu", anchor: this.#opener(id), allowed, onDo: (name) => this.#do(name, item) });
  }

  #do(name, { id, canBe }) {
    const { tray, t, announce } = this.#options;
    if (name === "remove") return this.#remove(id);
    if (name === "describe") return this.#describe(id);
    if (name === "listen") return this.#options.listen(id);
    if (name in MOVES) return this.#move(id, MOVES[name]);
    tray.change(id, { kind: name === "as-file" ? "file" : canBe });
    announce(
      name === "as-file"
        ? t("It will be sent as it is, with everything the file says about place and time.")
        : t("It will be shown in the chat."),
    );
    this.focus(id);
  }

  #remove(id) {
    const { tray, t, announce } = this.#options;
    const at = tray.items.findIndex((item) => item.id === id);
    if (at < 0) return;
    const { name } = tray.items[at];
    this.#focused = (tray.items[at + 1] ?? tray.items[at - 1])?.id ?? null;
    tray.remove(id);
    announce(t("{name} removed", { name }));
  }

  #move(id, by) {
    const { tray, t, announce } = this.#options;
    this.#focused = id;
    if (!tray.move(id, by)) return;
    this.focus(id);
    announce(t("{at} of {n}", { at: tray.items.findIndex((item) => item.id === id) + 1, n: tray.items.length }));
  }

  async #describe(id) {
    const { tray } = this.#options;
    const alt = await askDescription(tray.get(id)?.alt ?? "");
    if (alt !== null && tray.get(id)) tray.change(id, { alt });
    this.focus(id);
  }

  #key(event) {
    const id = event.target.closest("[data-item]")?.dataset.item;
    if (!id || event.metaKey || event.shiftKey || event.target !== this.#opener(id)) return;
    const { tray, leave } = this.#options;
    const isRightToLeft = getComputedStyle(this.#root).direction === "rtl";
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const by = isRightToLeft && /Left|Right/.test(event.key) ? -step : step;
    const at = tray.items.findIndex((item) => item.id === id);
    if (event.key === "Delete" || event.key === "Backspace") this.#remove(id);
    else if (event.key === "Escape") leave();
    else if (step && (event.ctrlKey || event.altKey)) this.#move(id, by);
    else if (event.ctrlKey || event.altKey) return;
    else if (step) this.focus((tray.items[at + by] ?? tray.items[at]).id);
    else if (event.key === "Home") this.focus(tray.items[0].id);
    else if (event.key === "End") this.focus(tray.items.at(-1).id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** With a mouse; the menu and the keys do the same. */
  #drag(event) {
    const { tray } = this.#options;
    const tile = event.target.closest("[data-item]");
    if (event.type === "dragstart" && tile) {
      this.#dragged = tile.dataset.item;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", "");
      tile.dataset.dragged = "true";
    }
    if (!this.#dragged) return;
    const side = tile && this.#side(tile, event);
    if (event.type === "dragover") {
      event.preventDefault();
      const isPlace = (one) => one === tile && tile.dataset.item !== this.#dragged;
      for (const one of this.#tiles.values()) setData(one, "place", isPlace(one) && side);
    }
    if (event.type === "drop" && tile) {
      event.preventDefault();
      event.stopPropagation();
      const at = (id) => tray.items.findIndex((item) => item.id === id);
      const from = at(this.#dragged);
      const target = at(tile.dataset.item) + (side === "after" ? 1 : 0);
      this.#move(this.#dragged, (target > from ? target - 1 : target) - from);
    }
    if (event.type === "drop" || event.type === "dragend") {
      this.#dragged = null;
      for (const one of this.#tiles.values()) for (const name of ["dragged", "place"]) setData(one, name, false);
    }
  }

  #side(tile, { clientX }) {
    const { left, width } = tile.getBoundingClientRect();
    const isSecondHalf = clientX > left + width / 2;
    return isSecondHalf === (getComputedStyle(tile).direction !== "rtl") ? "after" : "before";
  }
}
