// A search that answers while somebody types: one question after a short pause, the last one counts, and one that failed is asked again.

import { Timer } from "../lib/timing.js";

const PAUSE_MS = 150;
const AGAIN_MS = 3_000;

export class LiveSearch {
  #options;
  #timer;
  #query;
  #asking = null;

  /** `query` is what is on the page already; `ask(query, signal)` -> promise of what was found; `show(found, query)`. */
  constructor({ clock, query, ask, show }) {
    this.#options = { clock, ask, show };
    this.#query = query;
    this.#timer = new Timer(clock, () => this.#ask());
  }

  typed(query, pause = PAUSE_MS) {
    if (query === this.#query) return;
    this.#query = query;
    this.#asking?.abort();
    this.#asking = null;
    this.#timer.set(this.#options.clock.now() + pause);
  }

  /** Enter. */
  now(query) {
    this.#query = null;
    this.typed(query, 0);
  }

  async #ask() {
    const { clock, ask, show } = this.#options;
    const asking = (this.#asking = new AbortController());
    const query = this.#query;
    try {
      const found = await ask(query, asking.signal);
      if (this.#asking === asking) show(found, query);
    } catch {
      if (this.#asking === asking) this.#timer.set(clock.now() + AGAIN_MS);
    }
  }
}
