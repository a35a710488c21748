// How far this device knows each room (version and mark), who is behind, and the one question in flight per room.

import { syncRoom } from "../protocol/commands.js";

const ANSWER_MS = 10_000;

export class Rooms {
  #known = new Map();
  #asked = new Map();
  #clock;
  #send;

  constructor({ clock, send }) {
    this.#clock = clock;
    this.#send = send;
  }

  /** All of which this device knows something. */
  get names() {
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
  place(room, what, number) {
    const known = this.get(room);
    if (!known) return "gap";
    if (number > known[what] + 1) return "gap";
    if (number <= known[what]) return "old";
    this.learn(room, { [what]: number });
    return "next";
  }

  /** The rooms of which the server knows more than we do; `exact` also finds those of which it knows less. */
  behind({ rooms = {}, marks = {} }, { exact = false } = {}) {
    const differs = (mine, theirs) => theirs !== undefined && (theirs > mine || (exact && theirs < mine));
    return [...new Set([...Object.keys(rooms), ...Object.keys(marks)])].filter((room) => {
      const { version, mark } = this.get(room) ?? { version: -1, mark: -1 };
      return differs(version, rooms[room]) || differs(mark, marks[room]);
    });
  }

  /** Asks for what changed in the room since; one question at a time, and again after ten seconds of silence: question or answer may be lost. */
  ask(room) {
    if (this.isAsking(room)) return;
    const command = syncRoom({ room, ...(this.get(room) ?? { version: 0 }) });
    if (!this.#send(command)) return;
    const asked = { version: command.rooms[room] };
    this.#asked.set(room, asked);
    this.#clock.after(ANSWER_MS, () => {
      if (this.#asked.get(room) !== asked) return;
      this.#asked.delete(room);
      this.ask(room);
    });
  }

  isAsking(room) {
    return this.#asked.has(room);
  }

  /** A page came: false when it taught us nothing, so that a gap nobody can fill is not asked about for ever. */
  answered(room) {
    const asked = this.#asked.get(room);
    this.#asked.delete(room);
    return !asked || (this.get(room)?.version ?? 0) > asked.version;
  }

  /** The connection is gone, and every question with it. */
  forgetQuestions() {
    this.#asked.clear();
  }
}

/** The rows of the list as the server tells of them: which ones are behind, and how much is unread in all. */
export class Rows {
  #with;
  /** Messages of chats that the list does not know yet: told when their row is here. */
  #unnamed = new Map();
  /** What the parts of an answer to `sync {}` have told so far. */
  #told = { rooms: {}, marks: {} };

  /** `refresh(run)` calls `run` with the RowRefresh, at once or when it is loaded; `now()` is the server's time. */
  constructor({ list, rooms, refresh, now, arrived }) {
    this.#with = { list, rooms, refresh, now, arrived };
  }

  soon(room) {
    this.#with.refresh((rows) => rows.soon(room));
  }

  recount() {
    this.#with.refresh((rows) => rows.whole());
  }

  /**
   * `isWhole`: the newest page of the list; `isOlder`: a page further down, which moves messages from the rest to the rows; `total`: what the
   * server counted in all when these rows were what it saw. `each(row)` for every one of them, once it is in the list.
   */
  learn(rows, { isWhole = false, isOlder = false, total = null } = {}, each) {
    const { list, now } = this.#with;
    list.loaded ||= isWhole;
    const isNew = rows.some(({ room }) => !list.get(room));
    const before = list.total(now());
    for (const row of rows) each(list.put(row));
    if (isOlder || total !== null) list.counted(isOlder ? before : total, now());
    // How much of them stood in the rest nobody knows any more.
    else if (isNew && list.rest) this.recount();
    for (const { room, read } of rows) this.#name(room, read);
  }

  unnamed(room, message) {
    this.#unnamed.set(room, message);
  }

  #name(room, read = 0) {
    const message = this.#unnamed.get(room);
    if (this.#unnamed.delete(room) && message.seq > read) this.#with.arrived(room, message);
  }

  /** Of these the server knows more than we do. A list of the latest also names chats that this page has not loaded: new are those above one that it has. */
  behind(behind, { rooms, unread_total: total }) {
    const { list } = this.#with;
    if (!list.loaded) return;
    const names = Object.keys(rooms);
    const last = total === undefined ? names.length : names.findLastIndex((room) => list.get(room));
    for (const room of behind) if (list.get(room) || names.indexOf(room) < last) this.soon(room);
  }

  /** False when it does not tell of everything that this page holds. */
  greeted(event) {
    if (!this.#with.list.loaded) this.recount();
    else if (!this.#isTold(event)) return false;
    else this.#count(event);
    return true;
  }

  heads({ rooms, marks, unread_total: total, more }) {
    if (total === undefined) return;
    Object.assign(this.#told.rooms, rooms);
    Object.assign(this.#told.marks, marks);
    if (more) return;
    this.#count({ ...this.#told, unread_total: total });
    this.#told = { rooms: {}, marks: {} };
  }

  #isTold({ rooms }) {
    return this.#with.rooms.names.every((room) => room in rooms);
  }

  /** The server's total holds for this page if all that it holds is what the server saw; otherwise it is asked for together with the newest rows. */
  #count(told) {
    const { list, rooms, now } = this.#with;
    if (!list.loaded || told.unread_total === undefined) return;
    const isBehind = rooms.behind(told, { exact: true }).some((room) => rooms.get(room));
    if (isBehind || !this.#isTold(told)) this.recount();
    else list.counted(told.unread_total, now());
  }
}
