// Unsent messages: pending -> sent -> accepted, or failed. Kept until the server has them, one in flight per room, the same id on every try.

import { messageSend } from "../protocol/commands.js";
import { isFinal, ruleOf } from "../protocol/events.js";
import { Alarm, backoff, Turn } from "../lib/timing.js";

const SILENCE_MS = 10_000;
const TRY_AGAIN_MS = [1_000, 3_000, 9_000];
const FEW = 5;
const DAY_MS = 24 * 3_600_000;
const KEY = "outbox:";

const isOpen = (entry) => entry.state === "pending" || entry.state === "sent";
const dueAt = (entry) => (entry.state === "pending" ? entry.notBefore : entry.state === "sent" && !entry.isPosted ? entry.sentAt + SILENCE_MS : null);

export class Outbox {
  #entries = new Map();
  #with;
  #alarm;
  #isLive = false;
  #turn;

  /**
   * `store` get/set/remove/keys; `send(command)` -> went out; `post(entry)` -> promise of {accepted} or {refused} or {} for silence;
   * `exclusive(run)` runs `run` while no other tab of this account sends; `onChange(room)`; `onStored()` tells the other tabs.
   * `isWiped()`: the store was emptied as a whole, by the page of another account.
   */
  constructor({ store, send, post, clock, newId, exclusive = (run) => run(), isWiped = () => false, onChange = () => {}, onStored = () => {}, random = Math.random }) {
    this.#with = { store, send, post, clock, newId, isWiped, onChange, onStored, random };
    this.#alarm = new Alarm(clock, () => this.#pump());
    // Another tab may have sent or added meanwhile, so the store is read again before the first send.
    this.#turn = new Turn(exclusive, () => this.reload());
    this.reload();
  }

  /** Something is nowhere but in this page: the browser keeps nothing, or its storage is full. */
  get isAtRisk() {
    return [...this.#entries.values()].some((entry) => entry.isUnsaved && entry.state !== "accepted");
  }

  /** In the order typed. */
  entries(room) {
    return [...this.#entries.values()].filter((entry) => entry.room === room).sort((a, b) => a.at - b.at);
  }

  get = (id) => this.#entries.get(id) ?? null;

  add({ room, body, reply_to = null }) {
    const at = Math.max(this.#with.clock.now(), ...[...this.#entries.values()].map((entry) => entry.at + 1));
    const entry = { id: this.#with.newId(), room, body, reply_to, at, since: at, state: "pending" };
    this.#entries.set(entry.id, entry);
    this.#keep(entry);
    this.#pump();
    return entry;
  }

  /** The connection came or went. What was in flight when it went is unknown, so it is pending again. */
  setLive(isLive) {
    this.#isLive = isLive;
    for (const entry of this.#entries.values()) {
      if (!isLive && entry.state === "sent") Object.assign(entry, { state: "pending", tries: 0, isPosted: false });
      if (isLive && entry.notBefore === Infinity) entry.notBefore = 0;
      if (isLive && entry.isElsewhere) this.#isElsewhere(entry);
    }
    this.#pump();
  }

  /** The server has it. Returns the entry, which stays in sight until the timeline shows the message itself. */
  accepted(id) {
    const entry = this.get(id);
    if (!entry) return null;
    this.#with.store.remove(KEY + id);
    entry.state = "accepted";
    this.#tell(entry.room);
    this.#pump();
    return entry;
  }

  /** The timeline shows it: nothing is left to do. */
  settle(id) {
    if (this.#forget(id)) this.#pump();
  }

  /** For now: waits as long as the server says. For good: failed at once, with the reason; the next one goes on. */
  refused({ id, code, retryable = false, retry_after_ms: wait = 0 }) {
    const entry = this.get(id);
    if (!entry || entry.state === "accepted") return;
    entry.refusals = (entry.refusals ?? 0) + 1;
    const rule = ruleOf({ code, retryable });
    if (rule === "hold") this.#wait(entry, Infinity, code);
    else if (rule === "wait" || (rule === "few" && entry.refusals < FEW)) this.#wait(entry, Math.max(wait ?? 0, backoff(entry.refusals - 1, this.#with.random)), code);
    else this.#fail(entry, code);
    this.#pump();
  }

  retryAll(room) {
    for (const { id, reason } of this.entries(room)) if (!isFinal(reason)) this.retry(id);
  }

  retry(id) {
    const entry = this.get(id);
    if (entry?.state !== "failed") return;
    if (ruleOf({ code: entry.reason }) === "rename") {
      this.#forget(id);
      entry.id = this.#with.newId();
      this.#entries.set(entry.id, entry);
    }
    Object.assign(entry, { state: "pending", reason: undefined, tries: 0, refusals: 0, notBefore: 0, isPosted: false, since: this.#with.clock.now() });
    this.#keep(entry);
    this.#pump();
  }

  /** Takes a failed message away; the answer can be given to `restore`. */
  discard(id) {
    const entry = this.get(id);
    if (entry?.state !== "failed") return null;
    this.#forget(id);
    this.#tell(entry.room);
    return entry;
  }

  restore(entry) {
    this.#entries.set(entry.id, entry);
    this.#keep(entry);
  }

  /** Reads the store again: at the start, and when another tab has changed it. What vanished there was sent or discarded there. */
  reload() {
    const { store, onChange } = this.#with;
    const stored = new Map(store.keys(KEY).map((key) => [key.slice(KEY.length), store.get(key)]).filter(([, entry]) => entry));
    for (const entry of [...this.#entries.values()]) {
      if (stored.has(entry.id) || entry.isUnsaved || entry.state === "accepted") continue;
      if (entry.state === "failed") this.#entries.delete(entry.id);
      else this.#isElsewhere(entry);
    }
    for (const [id, entry] of stored) {
      const held = this.#entries.get(id);
      if (!held) this.#entries.set(id, { ...entry });
      else if (held.state === "pending" || held.state === "failed") Object.assign(held, { state: entry.state, reason: entry.reason, since: entry.since });
    }
    for (const entry of this.#entries.values()) onChange(entry.room);
    this.#pump();
  }

  /** Another tab has sent it. The event for this one comes soon, or came before: it does not stand at the end of the chat for ever. */
  #isElsewhere(entry) {
    Object.assign(entry, { state: "accepted", isElsewhere: true });
    this.#with.clock.after(SILENCE_MS, () => this.#isLive && this.get(entry.id) === entry && (this.settle(entry.id), this.#with.onChange(entry.room)));
  }

  #pump() {
    this.#alarm.clear();
    const now = this.#with.clock.now();
    // Nobody wants yesterday's words to go out unasked.
    for (const entry of this.#entries.values()) if (entry.state === "pending" && now - entry.since >= DAY_MS) this.#fail(entry, "waited");
    const open = [...this.#entries.values()].filter(isOpen);
    if (!this.#isLive || !open.length) return this.#turn.end();
    if (!this.#turn.isMine) return this.#turn.ask();
    for (const room of new Set(open.map((entry) => entry.room))) this.#pumpRoom(room, now);
    const soonest = Math.min(...open.map(dueAt).filter((at) => at != null && at > now));
    if (soonest < Infinity) this.#alarm.set(soonest);
  }

  #pumpRoom(room, now) {
    const open = this.entries(room).filter(isOpen);
    const entry = open.find(({ state }) => state === "sent") ?? open[0];
    if (entry.isPosted || (dueAt(entry) ?? 0) > now) return;
    if (entry.state === "sent" || entry.tries) this.#overHttp(entry);
    else if (this.#with.send(messageSend(entry))) Object.assign(entry, { state: "sent", sentAt: now });
    else this.#overHttp(entry);
  }

  /** The socket says nothing, or takes nothing: the other door, with the same id. */
  async #overHttp(entry) {
    Object.assign(entry, { state: "sent", isPosted: true });
    const answer = await this.#with.post(entry).catch(() => ({}));
    if (answer.refused) {
      // A gateway that waited in vain has answered, and the server said nothing.
      if (answer.refused.code === "unknown_result") this.#turn.end();
      this.refused({ ...answer.refused, id: entry.id });
      return this.#pump();
    }
    if (answer.accepted) return this.accepted(entry.id);
    if (this.get(entry.id)?.state !== "sent" || !entry.isPosted) return;
    entry.tries = (entry.tries ?? 0) + 1;
    if (entry.tries > TRY_AGAIN_MS.length) this.#fail(entry, "no_answer");
    else this.#wait(entry, TRY_AGAIN_MS[entry.tries - 1]);
    // A tab that gets no answer would otherwise keep the lock while another one has a working connection.
    this.#turn.end();
    this.#pump();
  }

  #wait(entry, ms, reason) {
    Object.assign(entry, { state: "pending", isPosted: false, notBefore: this.#with.clock.now() + ms, reason });
  }

  #fail(entry, reason) {
    const { store, isWiped, onChange } = this.#with;
    // Gone from the store before word of it came: another tab has sent it, and to write it back would call it unsent there, too.
    if (!entry.isUnsaved && !store.get(KEY + entry.id) && !isWiped()) {
      this.#isElsewhere(entry);
      return onChange(entry.room);
    }
    Object.assign(entry, { state: "failed", reason });
    this.#keep(entry);
  }

  #keep({ id, room, body, reply_to, at, since, state, reason }) {
    this.#entries.get(id).isUnsaved = !this.#with.store.set(KEY + id, { id, room, body, reply_to, at, since, state: state === "failed" ? state : "pending", reason });
    this.#tell(room);
  }

  #forget(id) {
    this.#with.store.remove(KEY + id);
    return this.#entries.delete(id);
  }

  #tell(room) {
    this.#with.onChange(room);
    this.#with.onStored();
  }
}
