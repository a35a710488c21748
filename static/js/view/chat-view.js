// The open chat: brings messages, outbox and reader together on the page. The parts do the work; this is the conductor.

import { action, part, setText, view } from "../lib/dom.js";
import { Alarm } from "../lib/timing.js";
import { isFinal } from "../protocol/events.js";
import { arrange, newestOwn } from "../state/arrange.js";
import { ComposerView } from "./composer-view.js";
import { MessageView } from "./message-view.js";
import { ScrollKeeper } from "./scroll-keeper.js";
import { TimelineView } from "./timeline-view.js";

const LATE_MS = 3_000;

export class ChatView {
  #with;
  #lateAlarm;
  #root;
  #items = [];
  #isDue = false;
  #divider = null;
  /** Older and newer pages, the button to the end (view/history-view.js), once it is loaded. */
  history = null;
  /** What stands above the message box about unsent messages (view/unsent-view.js), once it is loaded. */
  unsent = null;

  /**
   * `room`, `me`, `peerName`; state: `timeline`, `outbox`, `list`, `drafts`; tools: `t`, `dates`;
   * `on`: seen(seq), undo(entry), failed(), isAway() -> the connection is not there.
   */
  constructor({ root, ...rest }) {
    this.#root = root;
    this.#with = rest;
    this.#lateAlarm = new Alarm(rest.clock, () => this.render());
    const { t, dates, peerName } = rest;
    const list = view("timeline", root);
    this.keeper = new ScrollKeeper({ scroller: view("scroller", root), list });
    this.page = new TimelineView({ list, t, dates, messages: new MessageView({ t, dates, peerName }) });
    const form = view("composer", root);
    if (form) this.composer = this.#compose(form);
    this.#listen();
  }

  /** It stands on the page, before the first paint: at `place` {seq, top} or {seq}, at what is new since `dividerFrom`, or at the end (ui-spec H6). Until `signal` ends. */
  begin({ dividerFrom = null, place = null, signal }) {
    this.#divider = dividerFrom;
    document.addEventListener("keydown", (event) => this.#escape(event), { signal });
    this.renderNow();
    const element = place && this.elementOf(place.seq);
    if (element && place.top !== undefined) this.keeper.toPlace(element, place.top);
    else if (element) this.keeper.toMiddle(element);
    else if (this.divider) this.keeper.toQuarter(this.divider);
    else this.keeper.jumpToEnd();
  }

  /** The "new messages" line on the page, or null. */
  get divider() {
    return this.page.element("divider");
  }

  /** Its place has been passed by what is on the page, or there is none. */
  get isDividerSeen() {
    const { timeline, me } = this.#with;
    return this.#divider === null || timeline.messages.some((message) => message.sender !== me && message.ordinal > this.#divider);
  }

  elementOf(seq) {
    const item = this.#items.find(({ message }) => message?.seq === seq);
    return item ? this.page.element(item.key) : null;
  }

  /** Changes of one task are drawn together, before the next frame. What is not on the page is drawn when it comes back. */
  render() {
    if (this.#isDue || !this.#root.isConnected) return;
    this.#isDue = true;
    queueMicrotask(() => this.#isDue && this.renderNow());
  }

  renderNow() {
    this.#isDue = false;
    const { room, me, timeline, outbox, drafts, list, dates } = this.#with;
    const row = list.get(room) ?? {};
    const peer = { read: row.peer_read ?? 0, delivered: row.peer_delivered ?? 0 };
    const failed = (items, isCounted = () => true) => items.filter((item) => item.state === "failed" && isCounted(item.reason)).length;
    const before = failed(this.#items);
    if (this.keeper.isAtEnd) timeline.trim("start");
    else if (timeline.isAtEnd) timeline.trim("end");
    const entries = timeline.isAtEnd ? outbox.entries(room) : [];
    this.#items = arrange({ messages: timeline.messages, entries, me, peer, divider: this.#divider, received: row.received, dayOf: dates.dayKey });
    this.keeper.keep(() => {
      this.keeper.isWhole = timeline.isAtEnd;
      this.page.render(this.#items);
      this.#under();
      this.unsent?.update({ failed: failed(this.#items), final: failed(this.#items, isFinal), isAtRisk: outbox.isAtRisk || drafts.isRefused });
      const older = action("older", this.#root);
      if (older) older.hidden = timeline.complete;
      const newest = action("newest", this.#root);
      if (newest) newest.hidden = timeline.isAtEnd;
    });
    if (failed(this.#items) > before) this.#with.on.failed();
    for (const { key } of this.#items) if (timeline.has(key)) outbox.settle(key);
    this.#look();
  }

  /** A message came while nobody watched the end: the first of them gets the "new messages" line. */
  arrived(message) {
    if (this.#divider === null && message.ordinal && !(document.hasFocus() && this.keeper.isAtEnd)) this.#divider = message.ordinal - 1;
    this.render();
  }

  /** Another tab has typed or sent here, `news` {draft, was}; or its storage has changed. Nobody is followed while somebody types. */
  followDraft(news) {
    const { composer } = this;
    const draft = composer && !composer.isTouched && this.#with.drafts.follow(this.#with.room, composer.draft.text, news);
    if (draft) composer.show(draft);
  }

  /** The page goes. */
  holdDraft() {
    if (this.composer) this.#with.drafts.hold(this.#with.room, this.composer.draft);
  }

  #compose(form) {
    const { room, drafts, t } = this.#with;
    const composer = new ComposerView({ form, t, on: { submit: (text) => this.#send(text), change: (draft) => drafts.set(room, draft) } });
    const draft = drafts.take(room);
    if (draft && !form.elements.body.value) composer.show(draft);
    if (matchMedia("(hover: hover) and (width >= 760px)").matches) composer.focus();
    return composer;
  }

  #send(body) {
    const { room, outbox, drafts, timeline } = this.#with;
    this.#divider = null;
    timeline.toEnd();
    outbox.add({ room, body });
    drafts.clear(room);
    this.renderNow();
    this.keeper.jumpToEnd();
  }

  #listen() {
    const scroller = view("scroller", this.#root);
    let isQueued = false;
    scroller.addEventListener("scroll", () => {
      if (isQueued) return;
      isQueued = true;
      requestAnimationFrame(() => {
        isQueued = false;
        this.#look();
      });
    }, { passive: true });
    this.#root.addEventListener("click", (event) => this.#press(event));
  }

  #escape(event) {
    if (event.key !== "Escape" || event.isComposing || event.keyCode === 229 || this.#divider === null) return;
    // One press closes one thing, and what lies above comes first.
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.#divider = null;
    this.render();
  }

  #press(event) {
    const name = event.target.closest("[data-action]")?.dataset.action;
    const id = event.target.closest("[data-id]")?.dataset.id;
    const { outbox, on } = this.#with;
    if (name === "retry-send") outbox.retry(id);
    else if (name === "retry-all") outbox.retryAll(this.#with.room);
    else if (name === "edit-send") this.#edit(outbox.discard(id));
    else if (name === "discard") on.undo(outbox.discard(id));
    else if (name === "show-all") this.#unfold(event.target.closest("[data-id]"));
  }

  /** What was refused is back in the message box, before what is typed there. Where nobody can write it stays under the words. */
  #edit(entry) {
    const { room, drafts, outbox } = this.#with;
    if (!entry) return;
    if (!this.composer) return outbox.restore(entry);
    const text = [entry.body, drafts.get(room)?.text].filter(Boolean).join("\n");
    this.composer.show({ text });
    this.composer.focus();
    drafts.set(room, { text, caret: text.length });
  }

  #unfold(element) {
    this.keeper.keepTop(element, () => (element.dataset.open = "true"));
    element.querySelector("article").focus({ preventScroll: true });
  }

  /** What is in view now, for the read mark. */
  #look() {
    this.#with.on.seen(this.keeper.newestInView());
    this.history?.look();
  }

  #under() {
    const under = part(this.#root, "under");
    if (!under) return;
    const { t, on } = this.#with;
    const own = newestOwn(this.#items);
    const isLast = own && this.#items.at(-1) === own;
    const isWaiting = this.#isLate(own);
    const pending = isWaiting && on.isAway() ? t("Waiting for connection") : isWaiting && own.reason ? t("The server is busy. Trying again…") : t("Sending…");
    const words = { pending, delivered: t("Delivered"), read: t("Read") };
    under.hidden = !this.#with.timeline.isAtEnd;
    setText(under, isLast ? (words[own.state] ?? "") : "");
  }

  /** Said after three seconds only; most silences are shorter. */
  #isLate(own) {
    const { clock } = this.#with;
    const left = own?.state === "pending" ? own.at + LATE_MS - clock.now() : 1;
    if (own?.state === "pending" && left > 0) this.#lateAlarm.set(own.at + LATE_MS);
    return left <= 0;
  }
}
