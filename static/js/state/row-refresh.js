// Rows of the list that this device cannot know any more: fetched together, by their names, and again until they are here. Loaded when idle.

import { Alarm, retryAfter } from "../lib/timing.js";

const SOON_MS = 200;
/** What one request asks for (conversations/api/routes.py). */
const AT_ONCE = 60;
/** The total is asked for again so much later when messages came in between. */
const RECOUNT_MS = 2_000;

export class RowRefresh {
  #with;
  #alarm;
  #stale = new Set();
  #isWholeDue = false;
  #isBusy = false;
  #attempt = 0;

  /**
   * `load(rooms)` -> promise of {items}; with null the newest page of the list, with `unread_total`. `learn(page, {isWhole, isExact})`:
   * exact when no number of unread messages (`stamp()`) has changed while it was on its way.
   */
  constructor({ load, clock, learn, stamp = () => 0, random = Math.random }) {
    this.#with = { load, clock, learn, stamp, random };
    this.#alarm = new Alarm(clock, () => this.#fetch());
  }

  soon(room) {
    this.#stale.add(room);
    this.#in(SOON_MS);
  }

  /** The newest page of the list and the total, after the rows that are due. */
  whole({ within = 0 } = {}) {
    this.#isWholeDue = true;
    this.#in(within);
  }

  #in(ms) {
    if (!this.#isBusy && !this.#alarm.isSet) this.#alarm.set(this.#with.clock.now() + ms);
  }

  async #fetch() {
    const { clock, random } = this.#with;
    this.#isBusy = true;
    const rooms = [...this.#stale].slice(0, AT_ONCE);
    for (const room of rooms) this.#stale.delete(room);
    let wait = SOON_MS;
    try {
      wait = await (rooms.length ? this.#named(rooms) : this.#newest());
      this.#attempt = 0;
    } catch (error) {
      // Whatever the failure: what was not learned is asked for again. Without a session nothing is learned any more.
      for (const room of rooms) this.#stale.add(room);
      wait = error?.status === 401 ? null : retryAfter(error, this.#attempt, random);
      this.#attempt += 1;
    }
    this.#isBusy = false;
    if (wait !== null && (this.#stale.size || this.#isWholeDue)) this.#alarm.set(clock.now() + wait);
  }

  async #named(rooms) {
    this.#with.learn(await this.#with.load(rooms), { isWhole: false });
    return SOON_MS;
  }

  async #newest() {
    const { load, learn, stamp } = this.#with;
    const before = stamp();
    const page = await load(null);
    const isExact = stamp() === before;
    this.#isWholeDue = !isExact;
    learn(page, { isWhole: true, isExact });
    return isExact ? SOON_MS : RECOUNT_MS;
  }
}
