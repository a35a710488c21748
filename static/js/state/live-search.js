// Search while the user types: one request after a short pause; only the last one counts, and a failed one is
// retried.

import { Timer } from "../lib/timing.js";

const PAUSE_MS = 150;
const AGAIN_MS = 3_000;

export class LiveSearch {
  #options;
  #timer;
  #query;
  #asking = null;

  /** `query` is what the page shows already; `ask(query, signal)` -> promise of results; `show(results, query)`. */
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

/** The address of a found message whose text this frame takes away (docs/threats.md T63); otherwise null. */
export function removedBy({ type, room, seq, message }) {
  const isGone = type === "message.changed" && (message.deleted_at || message.deleted_for_me);
  return isGone || type === "message.hidden" ? `/chats/${room}/?m=${seq ?? message.seq}` : null;
}
