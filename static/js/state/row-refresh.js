// Fetches rows of the list that this device can no longer compute: batched, and retried until they arrive. Loaded
// when idle.

import { Timer, retryAfter } from "../lib/timing.js";

const SOON_MS = 200;
/** What one request asks for (conversations/api/routes.py). */
const AT_ONCE = 60;
/** The total is asked for again so much later when messages came in between. */
const RECOUNT_MS = 2_000;

export class RowRefresh {
  #options;
  #timer;
  #stale = new Set();
  #isNewestDue = false;
  #isBusy = false;
  #attempt = 0;

  /**
   * `load(rooms)` -> promise of {items}; with null the newest page of the list, with `unread_total`. `learn(page,
   * {isWhole, isExact})`: exact when no number of unread messages (`revision()`) has changed while it was on its way.
   */
  constructor(options) {
    this.#options = { revision: () => 0, random: Math.random, ...options };
    this.#timer = new Timer(options.clock, () => this.#fetch());
  }

  request(room) {
    this.#stale.add(room);
    this.#schedule(SOON_MS);
  }

  /** The newest page of the list and the total, after the rows that are due. */
  requestNewest({ within = 0 } = {}) {
    this.#isNewestDue = true;
    this.#schedule(within);
  }

  #schedule(ms) {
    if (!this.#isBusy && !this.#timer.isSet) this.#timer.set(this.#options.clock.now() + ms);
  }

  async #fetch() {
    const { clock, random } = this.#options;
    this.#isBusy = true;
    const rooms = [...this.#stale].slice(0, AT_ONCE);
    for (const room of rooms) this.#stale.delete(room);
    let wait = SOON_MS;
    try {
      wait = await (rooms.length ? this.#fetchRooms(rooms) : this.#fetchNewest());
      this.#attempt = 0;
    } catch (error) {
      // Whatever the failure, the rows are requested again, except without a session.
      for (const room of rooms) this.#stale.add(room);
      wait = error?.status === 401 ? null : retryAfter(error, this.#attempt, random);
      this.#attempt += 1;
    }
    this.#isBusy = false;
    if (wait !== null && (this.#stale.size || this.#isNewestDue)) this.#timer.set(clock.now() + wait);
  }

  async #fetchRooms(rooms) {
    this.#options.learn(await this.#options.load(rooms), { isWhole: false });
    return SOON_MS;
  }

  async #fetchNewest() {
    const { load, learn, revision } = this.#options;
    const before = revision();
    const page = await load(null);
    const isExact = revision() === before;
    this.#isNewestDue = !isExact;
    learn(page, { isWhole: true, isExact });
    return isExact ? SOON_MS : RECOUNT_MS;
  }
}
