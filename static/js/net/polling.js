// What is new, asked for over HTTP: while no socket opens, and only while somebody looks at the page. Loaded when idle.

import { Alarm, retryAfter } from "../lib/timing.js";

const FIRST_MS = 1_000;
const EVERY_MS = 5_000;
const SPREAD_MS = 5_000;

const isOver = ({ status, code } = {}) => status === 401 || code === "other_account";

export class Polling {
  #with;
  #alarm;
  #isOn = false;
  #isBusy = false;
  #attempt = 0;
  #notBefore = 0;

  /**
   * `api` with `conversations`, `sync` and `receipt` (net/api.js); `learn(page, before)` gets the newest rows of the list and what `stamp()`
   * said before; `hear(event)` gets what a socket would have brought; `ended()`: there is no session any more.
   */
  constructor({ api, clock, isVisible, stamp = () => 0, learn, hear, ended = () => {}, random = Math.random }) {
    this.#with = { api, clock, isVisible, stamp, learn, hear, ended, random };
    this.#alarm = new Alarm(clock, () => this.#look());
  }

  get isOn() {
    return this.#isOn;
  }

  setOn(isOn) {
    const { clock, random } = this.#with;
    // After a restart of the server HTTP answers a moment before the sockets are back: most pages find theirs open by then, and ask nothing.
    if (isOn && !this.#isOn) this.#notBefore = Math.max(this.#notBefore, clock.now() + random() * SPREAD_MS);
    this.#isOn = isOn;
    this.look();
  }

  /** The page was shown or hidden, or the socket came or went: looks soon, as usual, or not at all. */
  look() {
    const { clock, isVisible, random } = this.#with;
    if (!this.#isOn || !isVisible()) return this.#alarm.clear();
    // Showing and hiding it again and again asks no more often, and never sooner than a failure allows.
    if (!this.#isBusy && !this.#alarm.isSet)
      this.#alarm.set(Math.max(this.#notBefore, clock.now() + random() * FIRST_MS));
  }

  /** A command that no socket takes. False when it cannot go this way either. */
  take({ type, rooms, marks, room, delivered, read, ref }) {
    const { api, isVisible } = this.#with;
    if (!this.#isOn || (type === "sync" && !isVisible())) return false;
    if (type === "sync" && Object.keys(rooms).length) this.#ask(api.sync({ rooms, marks }), ref);
    else if (type === "sync") this.look();
    else if (type === "receipt.set") this.#ask(api.receipt(room, { delivered, read }), ref);
    else return false;
    return true;
  }

  async #ask(answer, ref) {
    const { hear, random, ended } = this.#with;
    try {
      for (const page of (await answer).pages ?? []) hear(page);
    } catch (error) {
      if (isOver(error)) return ended(error);
      const isForGood = error.status >= 400 && error.status < 500 && error.status !== 429;
      hear({
        type: "error",
        ref,
        code: error.code,
        retryable: !isForGood,
        retry_after_ms: EVERY_MS + retryAfter(error, 0, random),
      });
    }
  }

  async #look() {
    const { api, clock, stamp, learn, random, ended } = this.#with;
    this.#isBusy = true;
    const before = stamp();
    let wait = EVERY_MS + random() * SPREAD_MS;
    try {
      const page = await api.conversations(null);
      this.#attempt = 0;
      // A socket may have opened meanwhile, and it knows more.
      if (this.#isOn) learn(page, before);
    } catch (error) {
      if (isOver(error)) {
        this.#isOn = false;
        ended(error);
      }
      wait = Math.max(wait, retryAfter(error, this.#attempt, random));
      this.#attempt += 1;
    }
    this.#isBusy = false;
    this.#notBefore = clock.now() + wait;
    this.look();
  }
}
