// The hits of a search in one chat, newest first: which one is chosen, and how many there are. More are loaded when the
// last one that is known is passed.

export class Hits {
  seqs = [];
  /** Of the chosen hit, or -1. */
  index = -1;
  #load;
  #next = null;
  #query = "";

  /** `load(query, cursor)` -> promise of {items, next}, as the API answers. */
  constructor({ load }) {
    this.#load = load;
  }

  /** Starts again with the answer to a query; the newest hit is chosen. */
  begin(query, { items, next }) {
    this.#query = query;
    this.seqs = items.map(({ message }) => message.seq);
    this.#next = next;
    this.index = this.seqs.length ? 0 : -1;
  }

  get current() {
    return this.seqs[this.index] ?? null;
  }

  /** Not all hits are loaded. */
  get hasMore() {
    return this.#next !== null;
  }

  /**
   * Chooses an older (1) or newer (-1) hit; after the last one the first. Returns whether there is a hit. A page may be
   * empty and still have a next one.
   */
  async step(by) {
    const query = this.#query;
    while (by > 0 && this.index === this.seqs.length - 1 && this.#next !== null) {
      const { items, next } = await this.#load(query, this.#next);
      // Another query was typed meanwhile.
      if (query !== this.#query) return false;
      this.seqs.push(...items.map(({ message }) => message.seq));
      this.#next = next;
    }
    const count = this.seqs.length;
    if (!count) return false;
    this.index = (this.index + by + count) % count;
    return true;
  }
}
