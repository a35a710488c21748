// Navigation in a long conversation (docs/interface.md H3, H4, H7, H11): pages load at one edge and are dropped at
// the other.

import { action, part, setText, view } from "../lib/dom.js";
import { retryAfter } from "../lib/timing.js";
import { placeKey } from "./scroll-keeper.js";

const TINT_MS = 1_200;

export class HistoryView {
  #options;
  #button;
  #isKeyboard = false;
  /** After a failure nothing is requested before this, however much the user scrolls. */
  #notBefore = 0;
  #attempt = 0;
  /** How many messages of the peer have been seen. */
  seen = 0;

  /**
   * `root`, `room`, `me`, `chat` (ChatView), `timeline`, `keeper`, `history` (net/history.js), `list`, `events`, `t`,
   * `clock`; `announce(text)` for screen readers.
   */
  constructor(options) {
    this.#options = options;
    const { root, events } = options;
    events.on("begin", (showing) => this.begin(showing));
    events.on("view", () => this.check());
    events.on("to-end", () => this.toEnd());
    events.on(
      "to-message",
      async ({ seq, missing, keepsFocus }) => (await this.goTo(seq, { keepsFocus })) === false && missing?.(),
    );
    events.on("keep-position", () => this.keepPosition());
    this.#button = view("jump", root);
    this.#button?.addEventListener("click", () => this.jump());
    root.addEventListener("click", (event) => this.#onClick(event));
    const scroller = view("scroller", root);
    scroller.addEventListener("keydown", () => (this.#isKeyboard = true));
    for (const type of ["wheel", "pointerdown", "touchstart"])
      scroller.addEventListener(type, () => (this.#isKeyboard = false), { passive: true });
  }

  /**
   * The chat is on the screen. `seen`: how many messages of the peer had been seen; `position` {seq, top} or {seq} may
   * be above the loaded page.
   */
  begin({ seen, position, signal }) {
    Object.assign(this, { seen, signal });
    this.#notBefore = this.#attempt = 0;
    if (position && position.top === undefined) this.goTo(position.seq);
    else if (position && !this.#options.chat.elementOf(position.seq)) this.#returnTo(position);
    else this.check();
  }

  /** Stores the position for the next visit (`keptPlace`); the chat must still be on the screen. */
  keepPosition() {
    const { room, keeper, timeline } = this.#options;
    const { place } = keeper;
    try {
      if (place) sessionStorage.setItem(placeKey(room), JSON.stringify({ place, at: timeline.newest?.seq }));
      else sessionStorage.removeItem(placeKey(room));
    } catch {
      // Only the position is lost.
    }
  }

  /** After every change and scroll: what is seen, whether more is needed, whether to offer the way to the end. */
  check() {
    const { keeper, timeline } = this.#options;
    this.#count();
    if (keeper.isNearStart && !timeline.complete) this.older();
    else if (!timeline.isAtEnd && keeper.isNearEnd) this.newer();
  }

  async older() {
    const { timeline, history, chat, t, announce } = this.#options;
    const from = timeline.oldest;
    if (!from || timeline.complete) return;
    const page = await this.#load(
      () => history.before(from),
      () => this.check(),
    );
    if (!page || timeline.oldest !== from) return;
    timeline.prepend(page.messages, page);
    timeline.trim("end");
    chat.renderNow();
    if (this.#isKeyboard)
      announce(t("{n} earlier message loaded|{n} earlier messages loaded", { n: page.messages.length }));
  }

  async newer() {
    const { timeline, history, chat } = this.#options;
    const from = timeline.latest;
    const page = await this.#load(
      () => history.after(from),
      () => this.check(),
    );
    if (!page || timeline.latest !== from) return;
    timeline.append(page.messages);
    timeline.trim("start");
    chat.renderNow();
  }

  /** The button: first to the "new messages" line, if that is below; otherwise to the end. */
  jump() {
    const { chat, keeper } = this.#options;
    const line = chat.divider;
    if (line && keeper.isBelowView(line)) return keeper.toQuarter(line);
    if (line || chat.isDividerSeen || this.#options.timeline.isAtEnd) return this.toEnd();
    this.#showEnd();
    if (chat.divider) keeper.toQuarter(chat.divider);
    else keeper.jumpToEnd();
  }

  toEnd() {
    const { timeline, keeper } = this.#options;
    if (timeline.isAtEnd) return keeper.toEnd();
    this.#showEnd();
    keeper.jumpToEnd();
  }

  /**
   * Scrolls to the message, loading a page around it if needed. False when there is no such message (any more), null
   * while that is not known.
   */
  async goTo(seq, { keepsFocus = false } = {}) {
    const { chat, keeper, clock } = this.#options;
    const found = await this.#fetchAround(seq, () => this.goTo(seq, { keepsFocus }));
    const element = found && chat.elementOf(seq);
    if (!element) return found && false;
    keeper.toMiddle(element);
    element.dataset.found = "true";
    clock.after(TINT_MS, () => delete element.dataset.found);
    if (!keepsFocus) element.querySelector("article").focus({ preventScroll: true });
    return true;
  }

  /** Back to the same message at the same offset (docs/interface.md H6). */
  async #returnTo({ seq, top }) {
    const { chat, keeper } = this.#options;
    await this.#fetchAround(seq, () => this.#returnTo({ seq, top }));
    const element = chat.elementOf(seq);
    if (element) keeper.toPlace(element, top);
  }

  async #fetchAround(seq, again) {
    const { timeline, history, chat } = this.#options;
    if (chat.elementOf(seq)) return true;
    const page = await this.#load(() => history.around(seq), again);
    if (!page) return null;
    if (!page.messages.some((message) => message.seq === seq)) return false;
    timeline.replace(page.messages, page);
    chat.renderNow();
    return true;
  }

  #showEnd() {
    const { timeline, chat } = this.#options;
    timeline.toEnd();
    timeline.trim("start");
    chat.renderNow();
  }

  /**
   * A failure shows where the page was expected, and is retried as long as the chat is on the screen and the page still
   * needed (`again`).
   */
  async #load(ask, again) {
    const { root, t, clock } = this.#options;
    if (clock.now() < this.#notBefore) return null;
    const line = action("older", root);
    const { signal } = this;
    try {
      const page = await ask();
      if (page && this.#attempt) setText(line, t("Earlier messages"));
      if (page) this.#attempt = 0;
      return page;
    } catch (error) {
      setText(line, t("Earlier messages couldn’t be loaded. Try again"));
      const wait = retryAfter(error, this.#attempt);
      this.#attempt += 1;
      this.#notBefore = clock.now() + wait;
      clock.after(wait, () => !signal.aborted && again());
      return null;
    }
  }

  #onClick(event) {
    const name = event.target.closest("[data-action]")?.dataset.action;
    if (event.ctrlKey || event.metaKey || !["older", "newest"].includes(name)) return;
    event.preventDefault();
    if (name === "newest") return this.toEnd();
    setText(action("older", this.#options.root), this.#options.t("Earlier messages"));
    this.#notBefore = 0;
    this.older();
  }

  #count() {
    const { timeline, keeper, list, room, me, t } = this.#options;
    const received = list.get(room)?.received ?? 0;
    const seq = keeper.newestInView();
    const last = keeper.isAtEnd
      ? received
      : (timeline.messages.findLast((message) => message.seq <= seq && message.sender !== me && message.ordinal)
          ?.ordinal ?? 0);
    this.seen = Math.max(this.seen, last);
    const n = Math.max(0, received - this.seen);
    if (!this.#button) return;
    this.#button.hidden = !keeper.isFar && (n === 0 || keeper.isAtEnd);
    setText(part(this.#button, "count"), n ? (n > 99 ? "99+" : String(n)) : "");
    this.#button.setAttribute(
      "aria-label",
      n ? t("{n} new message below|{n} new messages below", { n }) : t("To the newest message"),
    );
  }
}
