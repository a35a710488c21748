// The viewer: one picture of the chat on the whole screen, and from there the others (docs/interface.md T8). Loaded
// when a picture is pressed.

import { cloneTemplate, part, setData, setText, showFace } from "../lib/dom.js";
import { isComposing } from "../lib/keys.js";
import { Album } from "../state/attachments-album.js";
import { canRetry, problemText } from "../state/attachments-problems.js";
import { addressOf, downloadOf } from "../state/attachments-shape.js";
import { ViewerMenu } from "./attachments-viewer-menu.js";
import { Stage } from "./attachments-stage.js";

const HISTORY = "viewer";
const PAN_PX = 80;
const isNarrow = () => matchMedia("(width < 760px)").matches;

export class Viewer {
  #options;
  #dialog = cloneTemplate("viewer");
  #menu = new ViewerMenu(this.#dialog);
  #album;
  #stage;
  #item = null;
  /** Grows with each picture: an answer about another one is ignored. */
  #turn = 0;
  #ended = new AbortController();

  /**
   * `room`, `t`, `dates`, `api`, `clock`; `announce(text)`, `toast(text)`, `stateOfFile(address)`;
   * `personOf(id)` -> {name, initials, ...}; `pictures()` -> {messages, range} of the page for the Album;
   * `captionOf(seq)`; `download(event, file)`; `show(seq)` in the chat; `actions` {forward(seq), remove(seq) ->
   * promise of whether} or null; `opener` gets the focus back; `closed()`.
   */
  constructor(options) {
    this.#options = options;
    const { api, room, clock } = options;
    const address = `/api/v1/conversations/${room}/attachments?kind=picture`;
    const load = (cursor) => api.get(cursor ? `${address}&cursor=${encodeURIComponent(cursor)}` : address);
    this.#album = new Album({ load });
    this.#stage = new Stage({
      root: this.#dialog,
      clock,
      swiped: (side) => this.go(-side * this.#forward),
      drawn: () => this.#disable("zoom-out", !this.#stage?.zoom.isZoomed),
    });
    this.#listen();
  }

  /** Opens with the picture of this id. Promise of whether it is there. */
  async show(id) {
    this.#refill();
    const item = this.#album.get(id) ?? (await this.#album.find(id).catch(() => null));
    if (!item) return false;
    document.body.append(this.#dialog);
    this.#show(item);
    this.#dialog.showModal();
    this.#stage.draw();
    // So that Back closes it on a narrow screen (docs/interface.md N3).
    if (isNarrow()) history.pushState({ open: HISTORY }, "");
    return true;
  }

  /** Messages have come, changed or gone. */
  changed() {
    const before = this.#album.items;
    this.#refill();
    this.#check(before);
  }

  /** Deleted; it may not be among the messages of the page. */
  removed(seq) {
    const before = this.#album.items;
    this.#album.remove(seq);
    this.#check(before);
  }

  /** The next (1) or the previous (-1) picture. */
  async go(step) {
    const { t, announce } = this.#options;
    const turn = this.#turn;
    let next;
    try {
      next = await this.#album.neighbour(this.#item.id, step);
    } catch {
      return announce(t("No connection."));
    }
    if (turn !== this.#turn) return;
    if (next) this.#show(next, { isSaid: true });
    else announce(step > 0 ? t("This is the newest picture.") : t("This is the first picture."));
  }

  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  #refill() {
    const { messages, range } = this.#options.pictures();
    this.#album.show(messages, range);
  }

  /** If the picture on the screen is gone: to the one beside it, or out. */
  #check(before, { isMine = false } = {}) {
    const { announce, toast, t } = this.#options;
    if (!this.#item || this.#album.get(this.#item.id)) return this.#item && this.#steps();
    const at = before.findIndex(({ id }) => id === this.#item.id);
    const isLeft = ({ id }) => this.#album.get(id);
    const next = before.slice(at + 1).find(isLeft) ?? before.slice(0, Math.max(0, at)).findLast(isLeft);
    if (next) this.#show(next, { isSaid: isMine });
    else this.close();
    if (isMine) return;
    toast(t("This picture was deleted."));
    announce(t("This picture was deleted."));
  }

  #show(item, { isSaid = false } = {}) {
    const { t, dates, personOf, captionOf, announce } = this.#options;
    const dialog = this.#dialog;
    const { file } = item;
    this.#item = item;
    this.#turn += 1;
    const person = personOf(item.sender);
    showFace(part(dialog, "face"), person);
    setData(part(dialog, "face"), "colour", person.colour);
    const alt = file.alt || t("Photo without description");
    const facts = [dates.full(item.created_at), file.width && `${file.width} × ${file.height}`].filter(Boolean);
    setText(part(dialog, "who"), person.name);
    setText(part(dialog, "facts"), facts.join(" · "));
    setText(part(dialog, "caption"), captionOf(item.seq));
    part(dialog, "download").href = downloadOf(file);
    part(dialog, "problem").hidden = true;
    // The small one is in the browser's cache already: it fills the place until the large one is there.
    for (const [name, what] of [
      ["small", "thumb"],
      ["large", "display"],
    ]) {
      part(dialog, name).removeAttribute("src");
      part(dialog, name).src = addressOf(file.id, what);
    }
    part(dialog, "small").hidden = false;
    part(dialog, "large").alt = alt;
    this.#stage.show(file);
    this.#steps();
    if (isSaid) announce([person.name, facts[0], alt].join(", "));
  }

  #steps() {
    const { items } = this.#album;
    const at = items.findIndex(({ id }) => id === this.#item.id);
    const { complete, isAtEnd } = this.#options.pictures().range;
    this.#disable("previous", at === 0 && complete);
    this.#disable("next", at === items.length - 1 && isAtEnd);
  }

  #disable(name, isDisabled) {
    this.#dialog.querySelector(`[data-do="${name}"]`).setAttribute("aria-disabled", String(isDisabled));
  }

  get #forward() {
    return getComputedStyle(this.#dialog).direction === "rtl" ? -1 : 1;
  }

  #listen() {
    const dialog = this.#dialog;
    const { signal } = this.#ended;
    dialog.addEventListener("close", () => this.#closed());
    dialog.addEventListener("click", (event) => this.#press(event));
    dialog.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("popstate", () => this.close(), { signal });
    addEventListener("online", () => !part(dialog, "problem").hidden && this.#show(this.#item), { signal });
    addEventListener("resize", () => this.#stage.change((zoom) => zoom.move(0, 0)), { signal });
    part(dialog, "large").addEventListener("load", () => this.#loaded());
    part(dialog, "large").addEventListener("error", () => this.#failed());
  }

  #press(event) {
    const name = event.target.closest("[data-do]")?.dataset.do;
    const { actions, show, download } = this.#options;
    const { seq, file } = this.#item;
    const acts = {
      close: () => this.close(),
      previous: () => this.go(-1),
      next: () => this.go(1),
      "zoom-in": () => this.#stage.change((zoom) => zoom.in()),
      "zoom-out": () => this.#stage.change((zoom) => zoom.out()),
      download: () => download(event, file),
      menu: () => this.#menu.open(actions ? ["show", "forward", "remove"] : ["show"]),
      show: () => (this.close(), show(seq)),
      forward: () => actions.forward(seq),
      remove: () => this.#remove(seq),
      "try-again": () => this.#show(this.#item),
    };
    if (name !== "menu") this.#menu.close();
    acts[name]?.();
  }

  async #remove(seq) {
    const before = this.#album.items;
    if (!(await this.#options.actions.remove(seq)) || !this.#dialog.open) return;
    this.#album.remove(seq);
    this.#check(before, { isMine: true });
  }

  #key(event) {
    const isOurs = event.target.closest("dialog") === this.#dialog;
    if (!isOurs || isComposing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const stage = this.#stage;
    const { isZoomed } = stage.zoom;
    const forward = this.#forward;
    const pan = (dx, dy) => () => stage.change((zoom) => zoom.move(dx * PAN_PX, dy * PAN_PX));
    const zoomIn = () => stage.change((zoom) => zoom.in());
    const keys = {
      "+": zoomIn,
      "=": zoomIn,
      "-": () => stage.change((zoom) => zoom.out()),
      0: () => stage.change((zoom) => zoom.reset()),
      ArrowLeft: isZoomed ? pan(1, 0) : () => this.go(-forward),
      ArrowRight: isZoomed ? pan(-1, 0) : () => this.go(forward),
      ...(isZoomed && { ArrowUp: pan(0, 1), ArrowDown: pan(0, -1) }),
      PageUp: () => this.go(-1),
      PageDown: () => this.go(1),
    };
    const press = keys[event.key];
    if (!press) return;
    event.preventDefault();
    event.stopPropagation();
    press();
  }

  #loaded() {
    part(this.#dialog, "small").hidden = true;
    part(this.#dialog, "problem").hidden = true;
  }

  async #failed() {
    const turn = this.#turn;
    const { t, announce, stateOfFile } = this.#options;
    const state = await stateOfFile(part(this.#dialog, "large").src);
    if (turn !== this.#turn || !this.#dialog.isConnected) return;
    const text = problemText(state, "picture", t);
    // Deleted is deleted: the browser may have kept the small one.
    if (state === "gone") part(this.#dialog, "small").removeAttribute("src");
    setText(part(this.#dialog, "problem-text"), text);
    part(this.#dialog, "try-again").hidden = !canRetry(state);
    part(this.#dialog, "problem").hidden = false;
    announce(text);
  }

  #closed() {
    this.#ended.abort();
    this.#turn += 1;
    this.#dialog.remove();
    if (history.state?.open === HISTORY) history.back();
    const { opener, closed } = this.#options;
    if (document.activeElement === document.body && opener?.isConnected) opener.focus({ preventScroll: true });
    closed();
  }
}
