// The pictures of one chat, in order: those of the messages on the page, and older or newer ones from the server.

const isPicture = ({ kind }) => kind === "picture";
const isThere = (message) => message.seq && !message.deleted_at && !message.deleted_for_me;

const itemOf = (seq, { sender, created_at, ...file }) => ({ id: file.id, seq, file, sender, created_at });

export class Album {
  /** Seq -> its pictures, in their order. */
  #bySeq = new Map();
  #load;
  /** The window of messages on the page: {oldest, latest, isAtEnd, complete}. */
  #range = { oldest: Infinity, latest: 0, isAtEnd: false, complete: false };
  /** From the server: every picture from here to the newest one is known. */
  #knownFrom = Infinity;
  #cursor = null;
  #isComplete = false;
  /** Deleted while the album is open: a page of the server may have been read before. */
  #removed = new Set();

  /** `load(cursor)` -> {items, next}, the newest first (GET …/attachments?kind=picture). */
  constructor({ load }) {
    this.#load = load;
  }

  /** [{id, seq, file, sender, created_at}], the oldest first. */
  get items() {
    return [...this.#bySeq.keys()].sort((a, b) => a - b).flatMap((seq) => this.#bySeq.get(seq));
  }

  get(id) {
    return this.items.find((item) => item.id === id) ?? null;
  }

  /** The messages on the page, as they are now. */
  show(messages, range) {
    this.#range = range;
    for (const message of messages) {
      if (!message.seq) continue;
      const { seq, sender, created_at } = message;
      const pictures = isThere(message) ? (message.attachments ?? []).filter(isPicture) : [];
      if (isThere(message)) this.#removed.delete(seq);
      this.#put(
        seq,
        pictures.map((file) => itemOf(seq, { ...file, sender, created_at })),
      );
    }
  }

  remove(seq) {
    this.#removed.add(seq);
    this.#bySeq.delete(seq);
  }

  #put(seq, items) {
    if (items.length) this.#bySeq.set(seq, items);
    else this.#bySeq.delete(seq);
  }

  /** One that may be older than the messages of the page, or null. Rejects as `neighbour`. */
  async find(id) {
    while (!this.get(id) && !this.#isComplete) await this.#more();
    return this.get(id);
  }

  /** The one before (-1) or after (1); null at either end. Rejects when the server cannot be asked. */
  async neighbour(id, step) {
    const from = this.get(id);
    if (!from) return null;
    // Beyond the window of the page there may be others that are not known yet.
    const isKnown = () => {
      const { oldest, latest, isAtEnd, complete } = this.#range;
      const isInWindow = from.seq >= oldest && from.seq <= latest;
      const next = this.#beside(id, step);
      if (this.#isComplete) return true;
      const isNear = isInWindow && (isAtEnd || Boolean(next && next.seq <= latest));
      if (step > 0) return this.#knownFrom <= from.seq || isNear;
      return next ? next.seq >= this.#knownFrom || (isInWindow && next.seq >= oldest) : isInWindow && complete;
    };
    while (!isKnown()) await this.#more();
    return this.#beside(id, step);
  }

  #beside(id, step) {
    const { items } = this;
    const at = items.findIndex((item) => item.id === id);
    return at < 0 ? null : (items[at + step] ?? null);
  }

  async #more() {
    const { items, next } = await this.#load(this.#cursor);
    for (const [seq, found] of grouped(items)) {
      if (this.#removed.has(seq)) continue;
      const known = this.#bySeq.get(seq) ?? [];
      const fresh = found.filter(({ id }) => !known.some((item) => item.id === id));
      this.#put(seq, [...known, ...fresh.map(({ seq: at, ...rest }) => itemOf(at, rest))]);
    }
    this.#knownFrom = Math.min(this.#knownFrom, items.at(-1)?.seq ?? 0);
    // The oldest message of a page may continue on the next one.
    if (next) this.#knownFrom += 1;
    this.#cursor = next;
    this.#isComplete = !next;
  }
}

function grouped(items) {
  const groups = new Map();
  for (const item of items) groups.set(item.seq, [...(groups.get(item.seq) ?? []), item]);
  return groups;
}
