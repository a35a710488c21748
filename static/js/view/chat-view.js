// The open chat: connects messages, outbox, composer and scrolling. The parts do the work.

import { action, part, setText, view } from "../lib/dom.js";
import { Timer } from "../lib/timing.js";
import { isFinal } from "../protocol/events.js";
import { deliveryStatus, timelineItems } from "../state/timeline-items.js";
import { ComposerView } from "./composer-view.js";
import { MessageView } from "./message-view.js";
import { ScrollKeeper } from "./scroll-keeper.js";
import { TimelineView } from "./timeline-view.js";

const hide = (element, isHidden) => element && (element.hidden = isHidden);

export class ChatView {
  #options;
  #lateTimer;
  #root;
  #items = [];
  #isDue = false;
  /** How many messages of the peer stand above the "new messages" line, or null; and up to which one they are new. */
  #divider = null;
  #newTo = 0;
  /** Loaded when idle (view/message-actions.js): messages with what waits in the outbox; what the composer is for. */
  applied = (messages) => messages;
  mode = null;
  /** Files for the next message (state/attachments-tray.js). */
  tray = null;

  /**
   * `root`, `room`, `me`, `peerName()`, `timeline`, `outbox`, `list`, `drafts`, `events`, `t`, `dates`, `clock`; `on`:
   * seen(seq), read() -> how many messages of the peer are read, failed(), isOffline().
   */
  constructor({ root, ...options }) {
    this.#root = root;
    this.#options = options;
    this.#lateTimer = new Timer(options.clock, () => this.render());
    const list = view("timeline", root);
    this.keeper = new ScrollKeeper({ scroller: view("scroller", root), list });
    this.page = new TimelineView({ ...options, list, messages: new MessageView(options) });
    const form = view("composer", root);
    if (form) this.composer = this.#compose(form);
    this.#listen();
  }

  /**
   * Part of the page, but not painted yet: scrolls to `position` {seq, top} or {seq}, to what is new since
   * `dividerFrom`, or to the end (docs/interface.md H6).
   */
  begin({ dividerFrom = null, position = null, signal }) {
    this.#divider = dividerFrom;
    this.#newTo = this.#options.list.get(this.#options.room)?.received ?? 0;
    document.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    this.renderNow();
    const element = position && this.elementOf(position.seq);
    if (element && position.top !== undefined) this.keeper.toPlace(element, position.top);
    else if (element) this.keeper.toMiddle(element);
    else if (this.divider) this.keeper.toQuarter(this.divider);
    else this.keeper.jumpToEnd();
  }

  /** The "new messages" line on the page, or null. */
  get divider() {
    return this.page.element("divider");
  }

  /** The window contains the place of the divider, or there is none. */
  get isDividerSeen() {
    const { timeline, me } = this.#options;
    return (
      this.#divider === null ||
      timeline.messages.some((message) => message.sender !== me && message.ordinal > this.#divider)
    );
  }

  elementOf(seq) {
    const item = this.#items.find(({ message }) => message?.seq === seq);
    return item ? this.page.element(item.key) : null;
  }

  /** Draws the changes of one task together. A chat that is not on the page is drawn when it returns. */
  render() {
    if (this.#isDue || !this.#root.isConnected) return;
    this.#isDue = true;
    queueMicrotask(() => this.#isDue && this.renderNow());
  }

  renderNow() {
    this.#isDue = false;
    const { room, me, timeline, outbox, drafts, list, dates } = this.#options;
    const row = list.get(room) ?? {};
    const peer = { read: row.peer_read ?? 0, delivered: row.peer_delivered ?? 0 };
    const failed = (items, isCounted = () => true) =>
      items.filter((item) => item.state === "failed" && isCounted(item.reason)).length;
    const before = failed(this.#items);
    if (this.keeper.isAtEnd) timeline.trim("start");
    else if (timeline.isAtEnd) timeline.trim("end");
    const entries = timeline.isAtEnd ? outbox.messages(room) : [];
    this.#items = timelineItems({
      messages: this.applied(timeline.messages),
      entries,
      me,
      peer,
      divider: this.#divider,
      received: this.#newTo,
      dayOf: dates.dayKey,
    });
    this.keeper.keep(() => {
      this.keeper.isWhole = timeline.isAtEnd;
      this.page.render(this.#items);
      this.#renderStatus();
      this.#options.events.emit("unsent", {
        failed: failed(this.#items),
        final: failed(this.#items, isFinal),
        isAtRisk: outbox.isAtRisk || drafts.isRefused,
      });
      hide(action("older", this.#root), timeline.complete);
      hide(action("newest", this.#root), timeline.isAtEnd);
    });
    if (failed(this.#items) > before) this.#options.on.failed();
    for (const { key } of this.#items) if (timeline.has(key)) outbox.settle(key);
    this.#reportView();
  }

  /** What the user did not see arrive goes below the line. The line of an earlier visit, with all read, moves down. */
  arrived({ ordinal }) {
    if (ordinal && !(document.hasFocus() && this.keeper.isAtEnd)) {
      if (this.#divider === null || this.#options.on.read() >= ordinal - 1) this.#divider = ordinal - 1;
      this.#newTo = Math.max(this.#newTo, ordinal);
    }
    this.render();
  }

  /** The message box is in use: neither a draft of another tab nor one of another device is put into it. */
  get isTyping() {
    return Boolean(this.composer?.isTouched || this.mode?.isEditing);
  }

  /** Another tab typed or sent here, `news` {draft, was}; or its storage changed. Ignored while the user types here. */
  followDraft(news) {
    const { composer } = this;
    if (!composer || this.isTyping) return;
    const draft = this.#options.drafts.follow(this.#options.room, composer.draft.text, news);
    if (draft) composer.show(draft);
  }

  /** A draft of another device. */
  followText(draft) {
    if (this.composer && !(this.isTyping && this.composer.draft.text)) this.composer.show(draft);
  }

  /** Typed while this chat was loading. */
  readDraft() {
    const draft = this.#options.drafts.take(this.#options.room);
    if (draft) this.composer?.show(draft);
  }

  /** The page closes. */
  keepDraft() {
    if (this.composer && !this.mode?.isEditing) this.#options.drafts.hold(this.#options.room, this.composer.draft);
  }

  #compose(form) {
    const { room, drafts, t, list, outbox } = this.#options;
    const change = (draft) => this.mode?.change(draft) || drafts.set(room, draft);
    const composer = new ComposerView({ form, t, on: { submit: (text) => this.#send(text), change } });
    const { value, defaultValue: initial } = form.elements.body;
    // The page may have been made before the server took what was typed or sent here.
    const isOlder = outbox.endedAt(room) >= performance.timeOrigin;
    const isWaiting = isOlder || outbox.entries(room).some(({ state }) => state !== "failed");
    const draft = drafts.open(room, { value, initial, known: list.get(room)?.draft, isWaiting });
    if (draft) composer.show(draft);
    if (matchMedia("(hover: hover) and (width >= 760px)").matches) composer.focus();
    return composer;
  }

  #send(body) {
    const { room, outbox, drafts, timeline } = this.#options;
    const { isEdit, reply_to = null } = this.mode?.submit(body) ?? {};
    if (isEdit) return;
    this.#divider = null;
    timeline.toEnd();
    outbox.addMessage({ room, body, reply_to, ...this.tray?.take() });
    drafts.clear(room);
    this.renderNow();
    this.keeper.jumpToEnd();
  }

  #listen() {
    const scroller = view("scroller", this.#root);
    let isQueued = false;
    scroller.addEventListener(
      "scroll",
      () => {
        if (isQueued) return;
        isQueued = true;
        requestAnimationFrame(() => {
          isQueued = false;
          this.#reportView();
        });
      },
      { passive: true },
    );
    this.#root.addEventListener("click", ({ target }) => {
      if (target.closest("[data-action]")?.dataset.action === "show-all") this.#unfold(target.closest("[data-id]"));
    });
  }

  #onKey(event) {
    if (event.key !== "Escape" || event.isComposing || event.keyCode === 229 || this.#divider === null) return;
    // Escape closes one thing at a time, the topmost first.
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.#divider = null;
    this.render();
  }

  #unfold(element) {
    this.keeper.keepTop(element, () => (element.dataset.open = "true"));
    element.querySelector("article").focus({ preventScroll: true });
  }

  /** Reports what is in view, for the read marker. */
  #reportView() {
    const { on, timeline, events } = this.#options;
    let seq = this.keeper.newestInView();
    // What I deleted for me is not on the page, and counts as unread until it was passed.
    while (seq && timeline.get(seq + 1)?.deleted_for_me) seq += 1;
    on.seen(seq);
    events.emit("view");
  }

  #renderStatus() {
    const status = part(this.#root, "delivery-status");
    if (!status) return;
    const { t, on, clock, timeline } = this.#options;
    const { text, updateAt } = deliveryStatus(this.#items, { t, now: clock.now(), isOffline: on.isOffline() });
    if (updateAt) this.#lateTimer.set(updateAt);
    status.hidden = !timeline.isAtEnd;
    setText(status, text);
  }
}
