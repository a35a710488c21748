// The outbox: stores commands until the server has them. One in flight per room, in order, always under the same id.

import { commandFrame } from "../protocol/commands.js";
import { isFinal, ruleOf } from "../protocol/events.js";
import { TabLock, Timer } from "../lib/timing.js";
import { ANSWER_MS, changesMessage, dueAt, isMessage, isOpen, KEY } from "./outbox-entries.js";
import { endedAt, needsFiles, pauseAfter, pauseAfterSilence } from "./outbox-entries.js";
import { removeStored, storedEntries, storeEntry } from "./outbox-entries.js";

const MAX_CONNECTIONS_LOST = 2;
const DAY_MS = 24 * 3_600_000;

export class Outbox {
  /**
   * By id: {id, room, command, at, since, state, ...}; `command` is {type, ...fields} without room and id. `from` is
   * the version of the message that a command changes, and `base` its text then; until `holdUntil` it can be undone.
   */
  #entries = new Map();
  #options;
  #timer;
  #lock;
  #isLive = false;
  /** `prepare(entry)` uploads the files of a message, and calls `prepared`. Loaded when idle. */
  prepare = null;

  /**
   * `store` get/set/remove/keys; `send(frame)` -> whether it was sent; `post(entry)` sends it over HTTP: promise
   * of {accepted, version?} or {refused}, or {} for no answer; `exclusive(run)` runs `run` while no other tab sends;
   * `onChange(room)`; `onStored()` notifies the other tabs; `isWiped()`: a page of another account emptied the store.
   */
  constructor({ exclusive = (run) => run(), ...options }) {
    const unchanged = { isWiped: () => false, onChange: () => {}, onStored: () => {}, random: Math.random };
    this.#options = { ...unchanged, ...options };
    this.#timer = new Timer(options.clock, () => this.#pump());
    // Another tab may have sent or added something meanwhile, so the store is read again before the first send.
    this.#lock = new TabLock(exclusive, () => this.reload());
    this.reload();
  }

  /** Something exists only in this page: the browser stores nothing, or its storage is full. */
  get isAtRisk() {
    return [...this.#entries.values()].some((entry) => entry.isUnsaved && entry.state !== "accepted");
  }

  entries(room) {
    return [...this.#entries.values()].filter((entry) => entry.room === room).sort((a, b) => a.at - b.at);
  }

  messages(room) {
    return this.entries(room).filter(isMessage);
  }

  get = (id) => this.#entries.get(id) ?? null;

  /** When something of the room last left this outbox: a page that was made before may not know it. */
  endedAt = (room) => endedAt(this.#options.store, room);

  add({ room, command, ...more }) {
    const at = Math.max(this.#options.clock.now(), ...[...this.#entries.values()].map((entry) => entry.at + 1));
    const entry = { ...more, id: this.#options.newId(), room, command, at, since: at, state: "pending" };
    this.restore(entry);
    this.#pump();
    return entry;
  }

  addMessage({ room, ...content }) {
    return this.add({ room, command: { type: "message.send", reply_to: null, ...content } });
  }

  /** The connection opened or closed. What was in flight when it closed is unknown, so it is pending again. */
  setLive(isLive) {
    this.#isLive = isLive;
    for (const entry of this.#entries.values()) {
      if (!isLive && entry.state === "sent") {
        if (!entry.isPosted) entry.connectionsLost = (entry.connectionsLost ?? 0) + 1;
        Object.assign(entry, { state: "pending", tries: 0, isPosted: false });
      }
      if (isLive && entry.notBefore === Infinity) entry.notBefore = 0;
      if (isLive && entry.isSentElsewhere) this.#markSentElsewhere(entry);
    }
    this.#pump();
  }

  /**
   * The server has it. A message stays visible until the timeline shows it (`settle`); what changes a message stays
   * until the event of its `version` is surely here.
   */
  accepted(id, version) {
    const entry = this.get(id);
    if (!entry) return null;
    removeStored(this.#options, entry);
    Object.assign(entry, { state: "accepted", version });
    if (changesMessage(entry)) this.#expire(entry, () => true);
    else if (!isMessage(entry)) this.#entries.delete(id);
    this.#notify(entry.room);
    this.#pump();
    return entry;
  }

  /** What became of its files: {isReady}, {failed} with the reason, or {wait} until the next try. */
  prepared(entry, { isReady, failed, wait = ANSWER_MS }) {
    if (this.get(entry.id) !== entry || entry.state !== "pending") return;
    entry.isPrepared = isReady;
    if (failed) this.#fail(entry, failed);
    else if (!isReady) this.#wait(entry, wait);
    this.#pump();
  }

  settle(id) {
    if (this.#remove(id)) this.#pump();
  }

  /** A temporary refusal waits as long as the server says. A final one fails the entry with its reason. */
  refused({ id, code, retryable = false, retry_after_ms: wait = 0 }) {
    const entry = this.get(id);
    if (!entry || entry.state === "accepted") return;
    const pause = pauseAfter(entry, { code, retryable, wait, random: this.#options.random });
    if (pause === null) this.#fail(entry, code);
    else this.#wait(entry, pause, code);
    this.#pump();
  }

  retryAll(room) {
    for (const { id, reason } of this.entries(room)) if (!isFinal(reason)) this.retry(id);
  }

  retry(id) {
    const entry = this.get(id);
    if (entry?.state !== "failed") return;
    if (ruleOf({ code: entry.reason }) === "rename") {
      this.#remove(id);
      entry.id = this.#options.newId();
    }
    const fresh = { reason: undefined, tries: 0, refusals: 0, notBefore: 0, isPosted: false, isPrepared: false };
    Object.assign(entry, { ...fresh, state: "pending", since: this.#options.clock.now() });
    this.restore(entry);
    this.#pump();
  }

  /** Removes a failed entry and returns it; `restore` undoes that. */
  discard(id) {
    return this.get(id)?.state === "failed" ? this.withdraw(id) : null;
  }

  /** The same for what waits. Null for what is on its way, or was done. */
  withdraw(id) {
    const entry = this.get(id);
    if (!["failed", "pending"].includes(entry?.state)) return null;
    this.#remove(id);
    this.#notify(entry.room);
    return entry;
  }

  restore(entry) {
    this.#entries.set(entry.id, entry);
    this.#save(entry);
  }

  /** Reads the store again: at the start, and when another tab changed it. What is gone was sent or discarded there. */
  reload() {
    const stored = storedEntries(this.#options.store);
    for (const entry of [...this.#entries.values()]) {
      if (stored.has(entry.id) || entry.isUnsaved || entry.state === "accepted") continue;
      if (entry.state === "failed" || entry.holdUntil > this.#options.clock.now()) this.#entries.delete(entry.id);
      else this.#markSentElsewhere(entry);
    }
    for (const [id, entry] of stored) {
      const { state, reason, since } = entry;
      const held = this.#entries.get(id);
      if (!held) this.#entries.set(id, entry);
      else if (held.state === "pending" || held.state === "failed") Object.assign(held, { state, reason, since });
    }
    for (const entry of this.#entries.values()) this.#options.onChange(entry.room);
    this.#pump();
  }

  /**
   * Another tab sent it. Its event comes soon, or came before: then nothing would ever settle the entry but this timer.
   */
  #markSentElsewhere(entry) {
    Object.assign(entry, { state: "accepted", isSentElsewhere: true });
    this.#expire(entry, () => this.#isLive);
  }

  #expire(entry, isDue) {
    const { clock, onChange } = this.#options;
    const isHere = () => isDue() && this.get(entry.id) === entry;
    clock.after(ANSWER_MS, () => isHere() && (this.settle(entry.id), onChange(entry.room)));
  }

  #pump() {
    this.#timer.clear();
    const now = this.#options.clock.now();
    // Text of yesterday is not sent without asking the user.
    for (const entry of this.#entries.values())
      if (isMessage(entry) && entry.state === "pending" && now - entry.since >= DAY_MS) this.#fail(entry, "waited");
    const open = [...this.#entries.values()].filter(isOpen);
    if (!this.#isLive || !open.length) return this.#lock.release();
    if (!this.#lock.isHeld) return this.#lock.acquire();
    for (const room of new Set(open.map((entry) => entry.room))) this.#pumpRoom(room, now);
    const soonest = Math.min(...open.map(dueAt).filter((at) => at != null && at > now));
    if (soonest < Infinity) this.#timer.set(soonest);
  }

  #pumpRoom(room, now) {
    // What can still be undone does not hold up what was written after it.
    const open = this.entries(room).filter((entry) => isOpen(entry) && !(entry.holdUntil > now));
    const entry = open.find(({ state }) => state === "sent") ?? open[0];
    if (!entry || entry.isPosted || (dueAt(entry) ?? 0) > now) return;
    // What was written after it waits, so that both arrive in the order typed.
    if (needsFiles(entry)) return void this.prepare?.(entry);
    // A proxy that ends the connection at this very message would end it at every retry.
    const endsConnections = isMessage(entry) && entry.connectionsLost >= MAX_CONNECTIONS_LOST;
    if (entry.state === "sent" || entry.tries || endsConnections) this.#sendOverHttp(entry);
    else if (this.#options.send(commandFrame(entry))) Object.assign(entry, { state: "sent", sentAt: now });
    else this.#sendOverHttp(entry);
  }

  /** The socket does not answer, or takes nothing: over HTTP, with the same id. */
  async #sendOverHttp(entry) {
    Object.assign(entry, { state: "sent", isPosted: true });
    const answer = await this.#options.post(entry).catch(() => ({}));
    if (answer.refused) {
      // A gateway timed out: it answered, but the server did not.
      if (answer.refused.code === "unknown_result") this.#lock.release();
      this.refused({ ...answer.refused, id: entry.id });
      return this.#pump();
    }
    if (answer.accepted) return this.accepted(entry.id, answer.version);
    if (this.get(entry.id)?.state !== "sent" || !entry.isPosted) return;
    // A message says that it was not sent. Any other command changes nothing by waiting.
    const pause = isMessage(entry) ? pauseAfterSilence(entry) : ANSWER_MS;
    if (pause === null) this.#fail(entry, "no_answer");
    else this.#wait(entry, pause);
    // Otherwise a tab without an answer would keep the lock while another one has a working connection.
    this.#lock.release();
    this.#pump();
  }

  #wait(entry, ms, reason) {
    Object.assign(entry, { state: "pending", isPosted: false, notBefore: this.#options.clock.now() + ms, reason });
  }

  #fail(entry, reason) {
    // Gone from the store before the other tab's notice came: that tab sent it, and storing it would mark it unsent
    // there.
    const { store, isWiped, onChange } = this.#options;
    if (!entry.isUnsaved && !store.get(KEY + entry.id) && !isWiped()) {
      this.#markSentElsewhere(entry);
      return onChange(entry.room);
    }
    Object.assign(entry, { state: "failed", reason });
    this.#save(entry);
  }

  #save(entry) {
    entry.isUnsaved = !storeEntry(this.#options.store, entry);
    this.#notify(entry.room);
  }

  #remove(id) {
    removeStored(this.#options, this.#entries.get(id) ?? { id });
    return this.#entries.delete(id);
  }

  #notify(room) {
    this.#options.onChange(room);
    this.#options.onStored();
  }
}
