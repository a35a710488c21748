// How far this device knows each room (version and mark), who is behind, and the one question in flight per room.

import { syncRoom } from "../protocol/commands.js";

const ANSWER_MS = 10_000;
const SOON_MS = 200;
const SINGLY_AT_MOST = 3;

export class Rooms {
  #known = new Map();
  #asked = new Map();
  #now;
  #send;

  constructor({ now, send }) {
    this.#now = now;
    this.#send = send;
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

  /** Asks for what changed in the room since; one question at a time, asked again after ten seconds of silence. */
  ask(room) {
    if (this.isAsking(room)) return;
    const command = syncRoom({ room, ...(this.get(room) ?? { version: 0 }) });
    if (this.#send(command)) this.#asked.set(room, { at: this.#now(), version: command.rooms[room] });
  }

  isAsking(room) {
    const asked = this.#asked.get(room);
    return asked !== undefined && this.#now() - asked.at < ANSWER_MS;
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

/** Rows of the list that we cannot know any more: fetched together, a moment later. */
export class RowRefresh {
  #load;
  #clock;
  #learn;
  #stale = new Set();
  #isDue = false;

  /** `load(rooms | null)` -> promise of conversations: those, or with null the newest page of the list; `learn(rows, isWhole)`. */
  constructor({ load, clock, learn }) {
    this.#load = load;
    this.#clock = clock;
    this.#learn = learn;
  }

  soon(room) {
    this.#stale.add(room);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#clock.after(SOON_MS, () => this.#fetch());
  }

  /** The newest page of the list, now. */
  whole() {
    this.#stale.add(null);
    return this.#fetch();
  }

  async #fetch() {
    this.#isDue = false;
    if (!this.#stale.size) return;
    const rooms = this.#stale.has(null) || this.#stale.size > SINGLY_AT_MOST ? null : [...this.#stale];
    this.#stale.clear();
    const rows = await this.#load(rooms).catch(() => null);
    if (rows) this.#learn(rows, rooms === null);
  }
}
