// The messages of one conversation: in order, each once, in their newest version. It knows numbers, not clocks.

const HOLD_AT_MOST = 1_000;
/** The most messages on the page (docs/interface.md H4). */
const SHOWN_AT_MOST = 240;
/** The newest ones are always kept, so that the way to the end needs no network. */
const TAIL = 50;

const EXCERPT = 200;

/** What a reply shows of the message it quotes, as the server makes it. */
export const quoteOf = ({ seq, sender, kind, body, attachments, deleted_at: at, deleted_for_me: isHidden }) => ({
  ...{ seq, sender, kind },
  excerpt: [...body.slice(0, 2 * EXCERPT)].slice(0, EXCERPT).join(""),
  deleted: Boolean(at || isHidden),
  attached: attachments?.[0]?.kind,
  picture: attachments?.[0]?.placeholder && attachments[0].id,
});

const hidden = (message) => ({ ...message, body: "", attachments: [], reactions: [], deleted_for_me: true });

/** The message that an outbox entry becomes once the server has numbered it. */
export const acceptedMessage = (entry, { seq, version, created_at }, me) => ({
  seq,
  version,
  id: entry.id,
  sender: me,
  ordinal: null,
  kind: "text",
  body: entry.command.body,
  reply_to: entry.command.reply_to ?? null,
  ...{ attachments: entry.command.attachments ?? [], reactions: [], isAnswer: true },
  created_at,
  edited_at: null,
  deleted_at: null,
});

export class Timeline {
  /** Everything up to this version has been applied. */
  cursor = 0;
  /** The seq of the first message of the conversation, once it was seen. */
  #first = null;
  /** The window on the page: from one seq to another, or to the newest. */
  #low = 0;
  #high = Infinity;
  /** From here to the newest nothing is missing. Below it, only the window is kept. */
  #tailFrom = 0;
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
    this.#low = this.#tailFrom = messages[0]?.seq ?? 0;
    this.#high = Infinity;
    this.#first = complete ? this.#low : null;
    for (const message of messages) this.#put(message, true);
  }

  /**
   * One change, by its version `v` and our cursor `c`. Returns "applied", "old" or "gap" (held: ask for what is
   * missing).
   */
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

  /**
   * A `sync.page`. A page that starts above our cursor teaches its rows but cannot move the cursor: what lies between
   * is unknown.
   */
  receivePage({ messages, after, version, reset = false }) {
    if (reset) return this.load(messages, version);
    for (const message of messages) this.#put(message);
    if (after <= this.cursor) this.cursor = Math.max(this.cursor, version);
    this.#release();
  }

  /** A page of older history. Its rows were read at some other moment, so a newer state that came meanwhile wins. */
  prepend(messages, { complete = messages.length === 0 } = {}) {
    this.#low = Math.min(this.#low, messages[0]?.seq ?? Infinity);
    if (this.isAtEnd) this.#tailFrom = this.#low;
    if (complete) this.#first = this.#low;
    for (const message of messages) this.#put(message, true);
  }

  /** A page of newer history, on the way down from far above. */
  append(messages) {
    for (const message of messages) this.#put(message, true);
    this.#high = Math.max(this.#high, messages.at(-1)?.seq ?? Infinity);
    this.#join();
  }

  /** Replaces the window by a page around some message. */
  replace(messages, { complete = false } = {}) {
    [this.#low, this.#high] = [messages[0].seq, messages.at(-1).seq];
    if (complete) this.#first = this.#low;
    for (const message of messages) this.#put(message, true);
    this.#join();
    this.#forget();
  }

  /** Back to the newest messages. */
  toEnd() {
    this.#low = this.isAtEnd ? this.#low : this.#tailFrom;
    this.#high = Infinity;
    this.#forget();
  }

  /** Trims the window at the end that is not being read: "start" or "end". True when messages were removed. */
  trim(side) {
    const shown = this.#shown;
    const over = shown.length - SHOWN_AT_MOST;
    if (over <= 0) return false;
    if (side === "start") {
      this.#low = shown[over];
      if (this.isAtEnd) this.#tailFrom = this.#low;
    } else {
      this.#high = shown[SHOWN_AT_MOST - 1];
      this.#tailFrom = Math.max(this.#tailFrom, this.#order.at(-TAIL));
    }
    this.#forget();
    return true;
  }

  /** Deleted for me alone: an empty tombstone stays, as in the pages that the server sends me. */
  hide(seqs) {
    for (const seq of seqs) {
      const message = this.#bySeq.get(seq);
      if (message) this.#keep(hidden(message));
    }
  }

  /** The message of this number, as far as this device has it. */
  get(seq) {
    return this.#bySeq.get(seq) ?? this.#unplaced.get(seq) ?? null;
  }

  /** The messages of the window. */
  get messages() {
    return this.#shown.map((seq) => this.#bySeq.get(seq));
  }

  get #shown() {
    return this.#order.filter((seq) => seq >= this.#low && seq <= this.#high);
  }

  /** The oldest and the newest one on the page. */
  get oldest() {
    return this.#shown[0];
  }

  get latest() {
    return this.#shown.at(-1);
  }

  /** The window includes the newest messages; otherwise the user reads far above. */
  get isAtEnd() {
    return this.#high === Infinity;
  }

  /** The window starts with the first message of the conversation. */
  get complete() {
    return this.#first !== null && this.#low <= this.#first;
  }

  get newest() {
    return this.#bySeq.get(this.#order.at(-1));
  }

  get hasGap() {
    return this.#held.size > 0;
  }

  /** Drops a gap that a complete answer did not fill. The next `heads` will show what is true. */
  dropHeld() {
    this.#held.clear();
  }

  has(id) {
    return this.#byId.has(id);
  }

  #put(message, isHistory = false) {
    const known = this.#bySeq.get(message.seq) ?? this.#unplaced.get(message.seq);
    const isHiding = message.deleted_for_me && !known?.deleted_for_me;
    // The answer to my own message has neither its quote nor all of its files; its event has.
    const isEvent = (message.reply && !known?.reply) || (known?.isAnswer && !message.isAnswer);
    const isFuller = isHiding || (isEvent && message.version === known?.version);
    if (known && known.version >= message.version && this.#bySeq.has(message.seq) && !isFuller) return false;
    const newest = known && known.version > message.version ? known : message;
    // A change of a message outside the loaded window: kept until its page of history arrives, which may have been read
    // before it.
    if (!isHistory && this.#order.length && !this.#isPlaced(message.seq) && !this.#bySeq.has(message.seq)) {
      this.#unplaced.set(message.seq, newest);
      this.#quote(newest);
      return false;
    }
    if (!this.#bySeq.has(message.seq)) this.#insert(message.seq);
    this.#unplaced.delete(message.seq);
    this.#keep(known?.deleted_for_me ? hidden(newest) : newest);
    this.#byId.set(message.id, message.seq);
    return true;
  }

  /** Quotes follow: of the message that this one answers, and of this one in its answers. */
  #keep(message) {
    const quoted = message.reply_to == null ? null : this.get(message.reply_to);
    this.#bySeq.set(message.seq, quoted ? { ...message, reply: quoteOf(quoted) } : message);
    this.#quote(message);
  }

  #quote(message) {
    if (message.version === message.seq && !message.deleted_for_me) return;
    for (const [seq, other] of this.#bySeq)
      if (other.reply_to === message.seq) this.#bySeq.set(seq, { ...other, reply: quoteOf(message) });
  }

  #isPlaced(seq) {
    return seq >= this.#tailFrom || (seq >= this.#low && seq <= this.#high);
  }

  /** From far above down to what was kept of the end. */
  #join() {
    if (this.#high < this.#tailFrom) return;
    this.#high = Infinity;
    this.#tailFrom = Math.min(this.#low, this.#tailFrom);
  }

  #forget() {
    for (const seq of this.#order.filter((other) => !this.#isPlaced(other))) {
      this.#byId.delete(this.#bySeq.get(seq).id);
      this.#bySeq.delete(seq);
    }
    this.#order = this.#order.filter((seq) => this.#bySeq.has(seq));
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
