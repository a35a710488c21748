// HTTP polling: the fallback while no socket opens, only while the page is visible. Loaded when idle.

import { Timer, retryAfter } from "../lib/timing.js";

const FIRST_MS = 1_000;
const EVERY_MS = 5_000;
const SPREAD_MS = 5_000;

const isOver = ({ status, code } = {}) => status === 401 || code === "other_account";

export class Poller {
  #options;
  #timer;
  #isActive = false;
  #isBusy = false;
  #attempt = 0;
  #notBefore = 0;

  /**
   * `api` with `conversations`, `sync` and `receipt` (net/api.js); `learn(page, before)` gets the newest rows of the
   * list and what `revision()` said before; `onEvent(event)` gets what the socket would have received; `ended()`: the
   * session has ended.
   */
  constructor(options) {
    this.#options = { revision: () => 0, ended: () => {}, random: Math.random, ...options };
    this.#timer = new Timer(options.clock, () => this.#poll());
  }

  get isActive() {
    return this.#isActive;
  }

  setActive(isActive) {
    const { clock, random } = this.#options;
    // After a restart of the server HTTP answers before the sockets are back: with this delay most pages find theirs
    // open and poll nothing.
    if (isActive && !this.#isActive) this.#notBefore = Math.max(this.#notBefore, clock.now() + random() * SPREAD_MS);
    this.#isActive = isActive;
    this.schedule();
  }

  /** The page was shown or hidden, or the socket opened or closed: polls soon, at the usual time, or not at all. */
  schedule() {
    const { clock, isVisible, random } = this.#options;
    if (!this.#isActive || !isVisible()) return this.#timer.clear();
    // Showing and hiding the page repeatedly polls no more often, and never sooner than a failure allows.
    if (!this.#isBusy && !this.#timer.isSet)
      this.#timer.set(Math.max(this.#notBefore, clock.now() + random() * FIRST_MS));
  }

  /** Sends over HTTP a command that the socket did not take. False when HTTP cannot carry it either. */
  send({ type, rooms, marks, room, delivered, read, ref }) {
    const { api, isVisible } = this.#options;
    if (!this.#isActive || (type === "sync" && !isVisible())) return false;
    if (type === "sync" && Object.keys(rooms).length) this.#request(api.sync({ rooms, marks }), ref);
    else if (type === "sync") this.schedule();
    else if (type === "receipt.set") this.#request(api.receipt(room, { delivered, read }), ref);
    else return false;
    return true;
  }

  async #request(answer, ref) {
    const { onEvent, random, ended } = this.#options;
    try {
      for (const page of (await answer).pages ?? []) onEvent(page);
    } catch (error) {
      if (isOver(error)) return ended(error);
      const isForGood = error.status >= 400 && error.status < 500 && error.status !== 429;
      onEvent({
        type: "error",
        ref,
        code: error.code,
        retryable: !isForGood,
        retry_after_ms: EVERY_MS + retryAfter(error, 0, random),
      });
    }
  }

  async #poll() {
    const { api, clock, revision, learn, random, ended } = this.#options;
    this.#isBusy = true;
    const before = revision();
    let wait = EVERY_MS + random() * SPREAD_MS;
    try {
      const page = await api.conversations(null);
      this.#attempt = 0;
      // A socket may have opened meanwhile, and its data is newer.
      if (this.#isActive) learn(page, before);
    } catch (error) {
      if (isOver(error)) {
        this.#isActive = false;
        ended(error);
      }
      wait = Math.max(wait, retryAfter(error, this.#attempt, random));
      this.#attempt += 1;
    }
    this.#isBusy = false;
    this.#notBefore = clock.now() + wait;
    this.schedule();
  }
}
