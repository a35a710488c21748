// Sync cursors: the version and mark up to which each room is known, which rooms are behind, and one sync request
// per room.

import { syncRoom } from "../protocol/commands.js";

const ANSWER_MS = 10_000;

export class SyncCursors {
  #known = new Map();
  #requested = new Map();
  #clock;
  #send;

  constructor({ clock, send }) {
    this.#clock = clock;
    this.#send = send;
  }

  /** All rooms that this device knows. */
  get rooms() {
    return [...this.#known.keys()];
  }

  get(room) {
    return this.#known.get(room) ?? null;
  }

  /** Numbers only grow. */
  learn(room, { version = 0, mark = 0 }) {
    const known = this.#known.get(room) ?? { version: 0, mark: 0 };
    this.#known.set(room, { version: Math.max(known.version, version), mark: Math.max(known.mark, mark ?? 0) });
  }

  /** After a `reset`, or when the server knows less than we do (a restored backup), the server's numbers count. */
  reset(room, { version, mark }) {
    this.#known.set(room, { version, mark: mark ?? this.get(room)?.mark ?? 0 });
  }

  /** Is this the next one, an old one, or one that leaves a gap? Old and next are learned. */
  classify(room, what, number) {
    const known = this.get(room);
    if (!known) return "gap";
    if (number > known[what] + 1) return "gap";
    if (number <= known[what]) return "old";
    this.learn(room, { [what]: number });
    return "next";
  }

  /** The rooms of which the server knows more than we do; `exact` also finds those of which it knows less. */
  findBehind({ rooms = {}, marks = {} }, { exact = false } = {}) {
    const differs = (mine, theirs) => theirs !== undefined && (theirs > mine || (exact && theirs < mine));
    return [...new Set([...Object.keys(rooms), ...Object.keys(marks)])].filter((room) => {
      const { version, mark } = this.get(room) ?? { version: -1, mark: -1 };
      return differs(version, rooms[room]) || differs(mark, marks[room]);
    });
  }

  /**
   * Requests what changed in the room since; one request at a time, repeated after ten seconds without an answer, which
   * may be lost.
   */
  requestSync(room) {
    if (this.isSyncing(room)) return;
    const command = syncRoom({ room, ...(this.get(room) ?? { version: 0 }) });
    if (!this.#send(command)) return;
    const requested = { version: command.rooms[room] };
    this.#requested.set(room, requested);
    this.#clock.after(ANSWER_MS, () => {
      if (this.#requested.get(room) !== requested) return;
      this.#requested.delete(room);
      this.requestSync(room);
    });
  }

  isSyncing(room) {
    return this.#requested.has(room);
  }

  /**
   * A page arrived: false when it brought nothing new, so that a gap that cannot be filled is not requested for ever.
   */
  settle(room) {
    const requested = this.#requested.get(room);
    this.#requested.delete(room);
    return !requested || (this.get(room)?.version ?? 0) > requested.version;
  }

  /** The connection is gone, and every question with it. */
  clearRequests() {
    this.#requested.clear();
  }
}

/** Keeps the rows of the list in sync: which ones are behind, and the total of unread messages. */
export class ListSync {
  #options;
  /** Messages of chats that the list does not hold yet: announced when their row arrives. */
  #withoutRow = new Map();
  /** The parts of an answer to `sync {}` so far. */
  #heads = { rooms: {}, marks: {} };

  /** `refresh(run)` calls `run` with the RowRefresh, at once or when it is loaded; `now()` is the server's time. */
  constructor(options) {
    this.#options = options;
  }

  requestRow(room) {
    this.#options.refresh((rows) => rows.request(room));
  }

  recount() {
    this.#options.refresh((rows) => rows.requestNewest());
  }

  /**
   * `isWhole`: the newest page of the list; `isOlder`: a page further down, which moves messages from the rest to the
   * rows; `total`: what the server counted in all when these rows were what it saw. `each(row)` for every one of them,
   * once it is in the list.
   */
  learn(rows, { isWhole = false, isOlder = false, total = null } = {}, each) {
    const { list, now } = this.#options;
    list.loaded ||= isWhole;
    const isNew = rows.some(({ room }) => !list.get(room));
    const before = list.total(now());
    for (const row of rows) each(list.put(row));
    if (isOlder || total !== null) list.setTotal(isOlder ? before : total, now());
    // How many of their messages were counted as unread elsewhere is unknown.
    else if (isNew && list.unreadElsewhere) this.recount();
    for (const { room, read } of rows) this.#announceKept(room, read);
  }

  keepUntilRow(room, message) {
    this.#withoutRow.set(room, message);
  }

  #announceKept(room, read = 0) {
    const message = this.#withoutRow.get(room);
    if (this.#withoutRow.delete(room) && message.seq > read) this.#options.arrived(room, message);
  }

  /**
   * The server knows more of these rooms. A greeting of the latest chats also has chats that this page has not loaded:
   * only those above a loaded one are new.
   */
  requestBehind(behind, { rooms, unread_total: total }) {
    const { list } = this.#options;
    if (!list.loaded) return;
    const names = Object.keys(rooms);
    const last = total === undefined ? names.length : names.findLastIndex((room) => list.get(room));
    for (const room of behind) if (list.get(room) || names.indexOf(room) < last) this.requestRow(room);
  }

  /** False when it does not cover every room that this page holds. */
  established(event) {
    if (!this.#options.list.loaded) this.recount();
    else if (!this.#coversAll(event)) return false;
    else this.#applyTotal(event);
    return true;
  }

  heads({ rooms, marks, unread_total: total, more }) {
    if (total === undefined) return;
    Object.assign(this.#heads.rooms, rooms);
    Object.assign(this.#heads.marks, marks);
    if (more) return;
    this.#applyTotal({ ...this.#heads, unread_total: total });
    this.#heads = { rooms: {}, marks: {} };
  }

  #coversAll({ rooms }) {
    return this.#options.cursors.rooms.every((room) => room in rooms);
  }

  /**
   * The server's total applies if this page holds the state that the server counted; otherwise it is requested together
   * with the newest rows.
   */
  #applyTotal(heads) {
    const { list, cursors, now } = this.#options;
    if (!list.loaded || heads.unread_total === undefined) return;
    const isBehind = cursors.findBehind(heads, { exact: true }).some((room) => cursors.get(room));
    if (isBehind || !this.#coversAll(heads)) this.recount();
    else list.setTotal(heads.unread_total, now());
  }
}
