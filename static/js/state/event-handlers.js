// One handler per event type. It decides what to request; the results go to timeline, list and outbox.

import { syncHeads } from "../protocol/commands.js";
import { ListSync, SyncCursors } from "./sync-cursors.js";
import { acceptedMessage } from "./timeline.js";

export class EventHandlers {
  /** The timelines of this tab, by room: of the chat on the screen, and of those shown before. */
  #timelines = new Map();
  #cursors;
  #epoch = null;
  #isCatchingUp = false;
  #listSync;
  #options;

  /**
   * `on`: changed(room), arrived(room, message), caughtUp(), restored() (another epoch: drop the page). `refresh(run)`
   * calls `run` with the RowRefresh, at once or when it is loaded; `now()` is the server's time.
   */
  constructor({ me, list, outbox, receipts, send, refresh, clock, now = clock.now, random = Math.random, on }) {
    this.#options = { me, list, outbox, receipts, send, clock, random, on };
    this.#cursors = new SyncCursors({ clock, send });
    this.#listSync = new ListSync({ list, cursors: this.#cursors, refresh, now, arrived: on.arrived });
  }

  /** From here on the timeline gets everything. Changes since it was read are requested. */
  openTimeline({ room, timeline, mark = 0 }) {
    this.#timelines.set(room, timeline);
    const numbers = { version: timeline.cursor, mark: mark ?? 0 };
    const known = this.#cursors.get(room) ?? numbers;
    this.#cursors.reset(room, numbers);
    if (known.version > numbers.version || known.mark > numbers.mark) this.#cursors.requestSync(room);
  }

  closeTimeline(room) {
    this.#timelines.delete(room);
    this.#cursors.settle(room);
    this.#checkCaughtUp();
  }

  /** Rows that came with the page or over HTTP; for `told` see ListSync.learn. */
  applyRows(rows, told) {
    const { receipts, on } = this.#options;
    this.#listSync.learn(rows, told, ({ room, head, mark, unread, last_message: last }) => {
      // They arrived while no page was open; now this device has received them.
      if (unread && last) receipts.delivered(room, last.seq);
      const timeline = this.#timelines.get(room);
      // A message deleted for me on another device is in no row; a higher mark only says that there may be one.
      const isAhead = timeline && mark > (this.#cursors.get(room)?.mark ?? 0) + (told?.isEvent ? 1 : 0);
      if (!isAhead) this.#cursors.learn(room, timeline ? { mark } : { version: head, mark });
      if (isAhead || head > timeline?.cursor) this.#cursors.requestSync(room);
      on.changed(room);
    });
  }

  /** The newest rows, polled without a socket. An open chat that is not among them may have changed, too. */
  receivePolled(rows, total) {
    this.applyRows(rows, { isWhole: true, total });
    const named = new Set(rows.map(({ room }) => room));
    for (const room of this.#timelines.keys()) if (!named.has(room)) this.#cursors.requestSync(room);
  }

  connectionLost() {
    this.#cursors.clearRequests();
    this.#isCatchingUp = false;
  }

  /** After a long sleep or a long time hidden: requests the heads of all rooms, even if the socket seems open. */
  requestHeads() {
    this.#options.send(syncHeads());
  }

  handle(event) {
    this.#HANDLERS[event.type]?.(event);
  }

  /** The answer to a message that went over HTTP. */
  receivePosted(room, message) {
    this.#options.outbox.accepted(message.id);
    this.#message(room, message);
  }

  #HANDLERS = {
    connection_established: (event) => this.#established(event),
    heads: (event) => this.#heads(event),
    "message.created": ({ room, message }) => this.#message(room, message, { isLive: true }),
    "message.changed": ({ room, message }) => this.#message(room, message),
    "message.accepted": (event) => this.#accepted(event),
    done: ({ ref, version }) => this.#options.outbox.accepted(ref, version),
    "message.hidden": (event) => this.#hidden(event),
    "receipt.advanced": (event) => this.#receipt(event),
    "conversation.changed": ({ conversation }) => this.applyRows([conversation], { isEvent: true }),
    "sync.page": (event) => this.#page(event),
    resync: ({ after_ms: within }) =>
      this.#options.clock.after(this.#options.random() * within, () => this.requestHeads()),
    error: (event) => this.#error(event),
  };

  #isSameEpoch({ epoch }) {
    const isSame = this.#epoch === null || epoch === undefined || epoch === this.#epoch;
    this.#epoch = epoch ?? this.#epoch;
    if (!isSame) this.#options.on.restored();
    return isSame;
  }

  #established(event) {
    if (!this.#isSameEpoch(event)) return;
    this.#cursors.clearRequests();
    this.#isCatchingUp = true;
    this.#compare(event, { exact: true });
    for (const room of this.#timelines.keys()) if (!(room in event.rooms)) this.#cursors.requestSync(room);
    // The greeting has the hundred latest chats; this page may hold others.
    if (!this.#listSync.established(event)) this.requestHeads();
    this.#options.on.changed(null);
    this.#checkCaughtUp();
  }

  #heads(event) {
    if (!this.#isSameEpoch(event)) return;
    this.#compare(event, { exact: false });
    this.#listSync.heads(event);
    this.#options.on.changed(null);
  }

  #compare(event, { exact }) {
    const behind = this.#cursors.findBehind(event, { exact });
    for (const room of behind) if (this.#timelines.has(room)) this.#cursors.requestSync(room);
    this.#listSync.requestBehind(
      behind.filter((room) => !this.#timelines.has(room)),
      event,
    );
  }

  #checkCaughtUp() {
    if (!this.#isCatchingUp || [...this.#timelines.keys()].some((room) => this.#cursors.isSyncing(room))) return;
    this.#isCatchingUp = false;
    this.#options.on.caughtUp();
  }

  #message(room, message, { isLive = false } = {}) {
    const { list, me, outbox, receipts, on } = this.#options;
    const timeline = this.#timelines.get(room);
    const placed = timeline
      ? this.#intoTimeline(room, timeline, message)
      : this.#cursors.classify(room, "version", message.version);
    const isKnown = list.message(room, message);
    if (!timeline && (placed === "gap" || !isKnown)) this.#listSync.requestRow(room);
    // An old message may be above the loaded window; behind a gap it is not in the timeline yet.
    if (!timeline || timeline.has(message.id) || placed !== "gap") outbox.settle(message.id);
    const isTheirs = message.sender !== me;
    if (isLive && isTheirs) receipts.delivered(room, message.seq);
    if (isLive && isTheirs && !isKnown) this.#listSync.keepUntilRow(room, message);
    on.changed(room);
    const isNews = timeline ? placed === "applied" : placed !== "old" && isKnown;
    if (isLive && isTheirs && isNews) on.arrived(room, message);
  }

  #intoTimeline(room, timeline, message) {
    const placed = timeline.receive(message);
    this.#cursors.learn(room, { version: timeline.cursor });
    if (placed === "gap") this.#cursors.requestSync(room);
    return placed;
  }

  #accepted(event) {
    const entry = this.#options.outbox.accepted(event.id);
    if (entry) this.#message(event.room, acceptedMessage(entry, event, this.#options.me));
  }

  #hidden({ room, seq, mark }) {
    this.#timelines.get(room)?.hide([seq]);
    this.#placeMark(room, mark);
    if (this.#options.list.get(room)?.last_message?.seq === seq) this.#listSync.requestRow(room);
    this.#options.on.changed(room);
  }

  #receipt(event) {
    const isKnown = this.#options.list.receipt(event.room, event);
    // Read on another device, in a chat that this list does not hold.
    if (!isKnown && event.user === this.#options.me) this.#listSync.recount();
    if (event.mark != null) this.#placeMark(event.room, event.mark);
    this.#options.on.changed(event.room);
  }

  #placeMark(room, mark) {
    if (this.#cursors.classify(room, "mark", mark) !== "gap") return;
    if (this.#timelines.has(room)) this.#cursors.requestSync(room);
    else this.#listSync.requestRow(room);
  }

  #page(page) {
    const { room } = page;
    const timeline = this.#timelines.get(room);
    if (!timeline) return void this.#cursors.settle(room);
    const { list, me, outbox, receipts, on } = this.#options;
    const newest = timeline.newest?.seq ?? 0;
    timeline.receivePage(page);
    const numbers = { version: timeline.cursor, mark: page.mark };
    if (page.reset) this.#cursors.reset(room, numbers);
    const isProgress = (this.#cursors.learn(room, numbers), this.#cursors.settle(room));
    if (page.hidden) timeline.hide(page.hidden);
    if (page.conversation) list.put(page.conversation);
    for (const receipt of page.receipts ?? []) list.receipt(room, receipt);
    for (const message of page.messages) {
      list.message(room, message);
      outbox.settle(message.id);
    }
    on.changed(room);
    const fresh = page.messages.filter((message) => message.seq > newest && message.sender !== me);
    if (fresh.length) receipts.delivered(room, fresh.at(-1).seq);
    // A message that another device has read meanwhile is not announced.
    const read = list.get(room)?.read ?? 0;
    if (!page.reset) for (const message of fresh) if (message.seq > read) on.arrived(room, message);
    this.#continueSync(page, timeline, isProgress);
  }

  #continueSync({ room, more }, timeline, isProgress) {
    if (timeline.hasGap && !more && !isProgress) timeline.dropHeld();
    if ((more && isProgress) || timeline.hasGap) this.#cursors.requestSync(room);
    this.#checkCaughtUp();
  }

  #error({ ref = "", id, code, retryable, retry_after_ms }) {
    const { outbox, receipts, clock } = this.#options;
    const refused = outbox.get(id) ?? outbox.get(ref);
    if (refused) return outbox.refused({ id: refused.id, code, retryable, retry_after_ms });
    if (code === "unknown_type") return receipts.stop();
    if (ref.startsWith("receipt:") && retryable)
      return clock.after(retry_after_ms ?? 1_000, () => receipts.resend(ref.slice(8)));
    const room = ref.startsWith("sync:") ? ref.slice(5) : null;
    if (!this.#timelines.has(room)) return;
    this.#cursors.settle(room);
    if (retryable)
      clock.after(retry_after_ms ?? 1_000, () => this.#timelines.has(room) && this.#cursors.requestSync(room));
    else this.#checkCaughtUp();
  }
}
