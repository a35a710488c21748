// When the peer received and read messages, as far as this device saw it happen: the protocol tells up to which
// message, not when.

const KEPT = 40;
const key = (room) => `receipt-times:${room}`;

export class ReceiptTimes {
  #store;
  #me;
  #now;

  /** `now()` is the server's time. */
  constructor({ store, me, now }) {
    this.#store = store;
    this.#me = me;
    this.#now = now;
  }

  /** A `receipt.advanced`; `before` is the row of the list as it was: only what is new to it has just happened. */
  advanced({ room, user, delivered, read }, before) {
    if (user === this.#me || !before) return;
    const news = [
      ["delivered", before.peer_delivered ?? 0, Math.max(delivered, read)],
      ["read", before.peer_read ?? 0, read],
    ].filter(([, from, to]) => to > from);
    if (!news.length) return;
    const all = [...this.#all(room), ...news.map((one) => [...one, this.#now()])];
    this.#store.set(key(room), all.slice(-KEPT));
  }

  /** Milliseconds, or null: "delivered" or "read" of one message. */
  at(room, kind, seq) {
    const seen = this.#all(room).find(([of, from, to]) => of === kind && from < seq && seq <= to);
    return seen?.[3] ?? null;
  }

  #all(room) {
    const kept = this.#store.get(key(room));
    return Array.isArray(kept) ? kept.filter(Array.isArray) : [];
  }
}
