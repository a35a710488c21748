// The messages of one conversation, in order, each once, in their newest state (protocol.md P3, P4). Knows numbers, not clocks.

const HOLD_AT_MOST = 1_000;

/** What an outbox entry becomes once the server has given it its numbers. */
export const acceptedMessage = (entry, { seq, version, created_at }, me) => ({
  seq, version, id: entry.id, sender: me, ordinal: null, kind: "text", body: entry.body, reply_to: entry.reply_to,
  attachments: [], reactions: [], created_at, edited_at: null, deleted_at: null,
});

export class Timeline {
  /** Everything up to this version has been applied. */
  cursor = 0;
  /** The oldest message of the conversation is here. */
  complete = false;
  #bySeq = new Map();
  #byId = new Map();
  #order = [];
  #held = new Map();
  #unplaced = new Map();

  /** Starts over from a page of the newest messages. */
  load(messages, version, { complete = false } = {}) {
    this.#bySeq.clear();
    this.#byId.clear();
    this.#order = [];
    this.#held.clear();
    this.#unplaced.clear();
    this.cursor = version;
    this.complete = complete;
    for (const message of messages) this.#put(message, true);
  }

  /** One change, by its version `v` and our cursor `c`. Returns "applied", "old" or "gap" (held: ask for what is missing). */
  receive(message) {
    if (message.version > this.cursor + 1) {
      if (this.#held.size < HOLD_AT_MOST) this.#held.set(message.version, message);
      return "gap";
    }
    const isNext = message.version === this.cursor + 1;
    const isNews = this.#put(message);
    if (isNext) {
      this.cursor = message.version;
      this.#release();
    }
    return isNext || isNews ? "applied" : "old";
  }

  /** A `sync.page`. A page that starts above our cursor teaches its rows but cannot move the cursor: what lies between is unknown. */
  receivePage({ messages, after, version, reset = false }) {
    if (reset) return this.load(messages, version);
    for (const message of messages) this.#put(message);
    if (after <= this.cursor) this.cursor = Math.max(this.cursor, version);
    this.#release();
  }

  /** A page of older history. Its rows were read at some other moment, so a newer state that came meanwhile wins. */
  prepend(messages, { complete = messages.length === 0 } = {}) {
    for (const message of messages) this.#put(message, true);
    this.complete ||= complete;
  }

  /** Deleted for me alone: an empty tombstone stays, as in every page of mine. */
  hide(seqs) {
    for (const seq of seqs) {
      const message = this.#bySeq.get(seq);
      if (message) this.#bySeq.set(seq, { ...message, body: "", attachments: [], reactions: [], hidden: true });
    }
  }

  get messages() {
    return this.#order.map((seq) => this.#bySeq.get(seq));
  }

  get oldest() {
    return this.#order[0];
  }

  get newest() {
    return this.#bySeq.get(this.#order.at(-1));
  }

  get hasGap() {
    return this.#held.size > 0;
  }

  /** A gap that a whole answer did not fill is no gap of ours. The next `heads` will tell what is true. */
  dropHeld() {
    this.#held.clear();
  }

  has(id) {
    return this.#byId.has(id);
  }

  #put(message, isHistory = false) {
    const known = this.#bySeq.get(message.seq) ?? this.#unplaced.get(message.seq);
    if (known && known.version >= message.version && this.#bySeq.has(message.seq)) return false;
    const newest = known && known.version > message.version ? known : message;
    // A change of a message above the loaded window: kept until its page of history comes, which may have been read before it.
    if (!isHistory && this.#order.length && message.seq < this.oldest && !this.#bySeq.has(message.seq)) {
      this.#unplaced.set(message.seq, newest);
      return false;
    }
    if (!this.#bySeq.has(message.seq)) this.#insert(message.seq);
    this.#unplaced.delete(message.seq);
    this.#bySeq.set(message.seq, known?.hidden ? { ...newest, body: "", hidden: true } : newest);
    this.#byId.set(message.id, message.seq);
    return true;
  }

  #insert(seq) {
    let at = this.#order.length;
    while (at > 0 && this.#order[at - 1] > seq) at -= 1;
    this.#order.splice(at, 0, seq);
  }

  #release() {
    for (const version of [...this.#held.keys()].sort((a, b) => a - b)) {
      if (version > this.cursor + 1) return;
      this.#put(this.#held.get(version));
      this.#held.delete(version);
      this.cursor = Math.max(this.cursor, version);
    }
  }
}
