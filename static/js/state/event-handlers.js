// Where every event goes: one method per event type. Decides what to ask the server for; the answers end in timeline, list and outbox.

import { syncHeads } from "../protocol/commands.js";
import { Rooms, Rows } from "./sync-cursors.js";
import { acceptedMessage } from "./timeline.js";

export class Feed {
  /** The timelines that this tab holds, by room: of the chat on the screen, and of those that were there before it. */
  #held = new Map();
  #rooms;
  #epoch = null;
  #isCatchingUp = false;
  #rows;
  #with;

  /**
   * `on`: changed(room), arrived(room, message), caughtUp(), restored() (another epoch: drop the page). `refresh(run)` calls `run` with the
   * RowRefresh, at once or when it is loaded; `now()` is the server's time.
   */
  constructor({ me, list, outbox, receipts, send, refresh, clock, now = clock.now, random = Math.random, on }) {
    this.#with = { me, list, outbox, receipts, send, clock, random, on };
    this.#rooms = new Rooms({ clock, send });
    this.#rows = new Rows({ list, rooms: this.#rooms, refresh, now, arrived: on.arrived });
  }

  /** From here on the timeline gets everything. What came since it was read, when nobody held it, is asked for. */
  openRoom({ room, timeline, mark = 0 }) {
    this.#held.set(room, timeline);
    const numbers = { version: timeline.cursor, mark: mark ?? 0 };
    const known = this.#rooms.get(room) ?? numbers;
    this.#rooms.reset(room, numbers);
    if (known.version > numbers.version || known.mark > numbers.mark) this.#rooms.ask(room);
  }

  closeRoom(room) {
    this.#held.delete(room);
    this.#rooms.answered(room);
    this.#settleCatchUp();
  }

  /** Rows that came with the page or over HTTP; `told` see Rows.learn. */
  learnRows(rows, told) {
    const { receipts, on } = this.#with;
    this.#rows.learn(rows, told, ({ room, head, mark, unread, last_message: last }) => {
      // They arrived while no page was open; now this device has them.
      if (unread && last) receipts.delivered(room, last.seq);
      const timeline = this.#held.get(room);
      // What was deleted for me on another device stands in no row: a fetched one that is further only says that there may be something.
      const isAhead = timeline && mark > (this.#rooms.get(room)?.mark ?? 0) + (told?.isEvent ? 1 : 0);
      if (!isAhead) this.#rooms.learn(room, timeline ? { mark } : { version: head, mark });
      if (isAhead || head > timeline?.cursor) this.#rooms.ask(room);
      on.changed(room);
    });
  }

  /** The newest rows, as they are every few seconds where no socket opens. An open chat that is not among them may have changed, too. */
  polled(rows, total) {
    this.learnRows(rows, { isWhole: true, total });
    const named = new Set(rows.map(({ room }) => room));
    for (const room of this.#held.keys()) if (!named.has(room)) this.#rooms.ask(room);
  }

  connectionLost() {
    this.#rooms.forgetQuestions();
    this.#isCatchingUp = false;
  }

  /** After a long sleep or a long time hidden: the heads of everything, even if the line seems open. */
  lookAgain() {
    this.#with.send(syncHeads());
  }

  handle(event) {
    this.#HANDLERS[event.type]?.(event);
  }

  /** The answer to a message that went over HTTP. */
  posted(room, message) {
    this.#with.outbox.accepted(message.id);
    this.#message(room, message);
  }

  #HANDLERS = {
    connection_established: (event) => this.#greeted(event),
    heads: (event) => this.#heads(event),
    "message.created": ({ room, message }) => this.#message(room, message, { isLive: true }),
    "message.changed": ({ room, message }) => this.#message(room, message),
    "message.accepted": (event) => this.#accepted(event),
    "message.hidden": (event) => this.#hidden(event),
    "receipt.advanced": (event) => this.#receipt(event),
    "conversation.changed": ({ conversation }) => this.learnRows([conversation], { isEvent: true }),
    "sync.page": (event) => this.#page(event),
    resync: ({ after_ms: within }) => this.#with.clock.after(this.#with.random() * within, () => this.lookAgain()),
    error: (event) => this.#error(event),
  };

  #isSameEpoch({ epoch }) {
    const isSame = this.#epoch === null || epoch === undefined || epoch === this.#epoch;
    this.#epoch = epoch ?? this.#epoch;
    if (!isSame) this.#with.on.restored();
    return isSame;
  }

  #greeted(event) {
    if (!this.#isSameEpoch(event)) return;
    this.#rooms.forgetQuestions();
    this.#isCatchingUp = true;
    this.#compare(event, { exact: true });
    for (const room of this.#held.keys()) if (!(room in event.rooms)) this.#rooms.ask(room);
    // It tells of the hundred latest chats; this page may know others.
    if (!this.#rows.greeted(event)) this.lookAgain();
    this.#with.on.changed(null);
    this.#settleCatchUp();
  }

  #heads(event) {
    if (!this.#isSameEpoch(event)) return;
    this.#compare(event, { exact: false });
    this.#rows.heads(event);
    this.#with.on.changed(null);
  }

  #compare(event, { exact }) {
    const behind = this.#rooms.behind(event, { exact });
    for (const room of behind) if (this.#held.has(room)) this.#rooms.ask(room);
    this.#rows.behind(
      behind.filter((room) => !this.#held.has(room)),
      event,
    );
  }

  #settleCatchUp() {
    if (!this.#isCatchingUp || [...this.#held.keys()].some((room) => this.#rooms.isAsking(room))) return;
    this.#isCatchingUp = false;
    this.#with.on.caughtUp();
  }

  #message(room, message, { isLive = false } = {}) {
    const { list, me, outbox, receipts, on } = this.#with;
    const timeline = this.#held.get(room);
    const placed = timeline
      ? this.#intoTimeline(room, timeline, message)
      : this.#rooms.place(room, "version", message.version);
    const isKnown = list.message(room, message);
    if (!timeline && (placed === "gap" || !isKnown)) this.#rows.soon(room);
    // An old one may stand above what is on the page; behind a gap it is not there yet.
    if (!timeline || timeline.has(message.id) || placed !== "gap") outbox.settle(message.id);
    const isTheirs = message.sender !== me;
    if (isLive && isTheirs) receipts.delivered(room, message.seq);
    if (isLive && isTheirs && !isKnown) this.#rows.unnamed(room, message);
    on.changed(room);
    const isNews = timeline ? placed === "applied" : placed !== "old" && isKnown;
    if (isLive && isTheirs && isNews) on.arrived(room, message);
  }

  #intoTimeline(room, timeline, message) {
    const placed = timeline.receive(message);
    this.#rooms.learn(room, { version: timeline.cursor });
    if (placed === "gap") this.#rooms.ask(room);
    return placed;
  }

  #accepted(event) {
    const entry = this.#with.outbox.accepted(event.id);
    if (entry) this.#message(event.room, acceptedMessage(entry, event, this.#with.me));
  }

  #hidden({ room, seq, mark }) {
    this.#held.get(room)?.hide([seq]);
    this.#placeMark(room, mark);
    if (this.#with.list.get(room)?.last_message?.seq === seq) this.#rows.soon(room);
    this.#with.on.changed(room);
  }

  #receipt(event) {
    const isKnown = this.#with.list.receipt(event.room, event);
    // Read on another device, in a chat that counts in the rest.
    if (!isKnown && event.user === this.#with.me) this.#rows.recount();
    if (event.mark != null) this.#placeMark(event.room, event.mark);
    this.#with.on.changed(event.room);
  }

  #placeMark(room, mark) {
    if (this.#rooms.place(room, "mark", mark) !== "gap") return;
    if (this.#held.has(room)) this.#rooms.ask(room);
    else this.#rows.soon(room);
  }

  #page(page) {
    const { room } = page;
    const timeline = this.#held.get(room);
    if (!timeline) return void this.#rooms.answered(room);
    const { list, me, outbox, receipts, on } = this.#with;
    const newest = timeline.newest?.seq ?? 0;
    timeline.receivePage(page);
    const numbers = { version: timeline.cursor, mark: page.mark };
    if (page.reset) this.#rooms.reset(room, numbers);
    const isProgress = (this.#rooms.learn(room, numbers), this.#rooms.answered(room));
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
    // What another device has read meanwhile is no news.
    const read = list.get(room)?.read ?? 0;
    if (!page.reset) for (const message of fresh) if (message.seq > read) on.arrived(room, message);
    this.#goOn(page, timeline, isProgress);
  }

  #goOn({ room, more }, timeline, isProgress) {
    if (timeline.hasGap && !more && !isProgress) timeline.dropHeld();
    if ((more && isProgress) || timeline.hasGap) this.#rooms.ask(room);
    this.#settleCatchUp();
  }

  #error({ ref = "", id, code, retryable, retry_after_ms }) {
    const { outbox, receipts, clock } = this.#with;
    const refused = outbox.get(id) ?? outbox.get(ref);
    if (refused) return outbox.refused({ id: refused.id, code, retryable, retry_after_ms });
    if (code === "unknown_type") return receipts.stop();
    if (ref.startsWith("receipt:") && retryable)
      return clock.after(retry_after_ms ?? 1_000, () => receipts.again(ref.slice(8)));
    const room = ref.startsWith("sync:") ? ref.slice(5) : null;
    if (!this.#held.has(room)) return;
    this.#rooms.answered(room);
    if (retryable) clock.after(retry_after_ms ?? 1_000, () => this.#held.has(room) && this.#rooms.ask(room));
    else this.#settleCatchUp();
  }
}
