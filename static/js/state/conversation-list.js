// The conversation list: rows by activity, unread counts computed from ordinals, never by counting up and down.

const later = (a, b) => ((a ?? "") > (b ?? "") ? a : b);

/**
 * A snapshot may be older than what this page holds: what only grows is never taken back, the rest follows the higher
 * mark.
 */
function merged(held, row) {
  if (!held) return { ...row };
  const base = (row.mark ?? 0) >= (held.mark ?? 0) ? { ...held, ...row } : { ...row, ...held };
  for (const grows of ["head", "mark", "received", "read", "read_count", "peer_read", "peer_delivered"]) {
    base[grows] = Math.max(held[grows] ?? 0, row[grows] ?? 0);
  }
  base.activity = later(held.activity, row.activity);
  base.last_message = newer(held.last_message, row.last_message);
  return base;
}

function newer(held, message) {
  if (!held || !message) return message ?? held ?? null;
  if (message.seq !== held.seq) return message.seq > held.seq ? message : held;
  return message.version >= held.version ? message : held;
}

const unreadOf = (row) => Math.max(0, (row.received ?? 0) - (row.read_count ?? 0));

export class ConversationList {
  /** The server's rows have arrived; until then the page shows those of the HTML. */
  loaded = false;
  /** Changes whenever the unread number of any row does. */
  unreadRevision = 0;
  /** The number of unread messages in chats that this list does not hold. */
  unreadElsewhere = 0;
  #rows = new Map();
  #me;

  constructor({ me }) {
    this.#me = me;
  }

  get(room) {
    return this.#rows.get(room) ?? null;
  }

  put(row) {
    const next = merged(this.get(row.room), row);
    next.unread = unreadOf(next);
    if (next.unread !== this.get(row.room)?.unread) this.unreadRevision += 1;
    this.#rows.set(row.room, next);
    return next;
  }

  /** A message of any room, new or changed. False when the room is unknown and its row must be fetched. */
  message(room, message) {
    const row = this.get(room);
    if (!row) return false;
    const isTheirs = message.sender !== this.#me;
    const received = isTheirs ? Math.max(row.received ?? 0, message.ordinal ?? 0) : row.received;
    const activity = later(row.activity, message.created_at);
    this.put({
      ...row,
      received,
      activity,
      head: Math.max(row.head ?? 0, message.version),
      last_message: newer(row.last_message, message),
    });
    return true;
  }

  /** A receipt: mine changes my unread count, the peer's the ticks. */
  receipt(room, { user, delivered = 0, read = 0, read_count: count }) {
    const row = this.get(room);
    if (!row) return false;
    if (user === this.#me)
      this.put({ ...row, read: Math.max(row.read ?? 0, read), read_count: Math.max(row.read_count ?? 0, count ?? 0) });
    else
      this.put({
        ...row,
        peer_read: Math.max(row.peer_read ?? 0, read),
        peer_delivered: Math.max(row.peer_delivered ?? 0, delivered, read),
      });
    return true;
  }

  /** Pinned first, then the newest activity. */
  get rows() {
    const order = (a, b) =>
      Boolean(b.pinned) - Boolean(a.pinned) ||
      (b.activity ?? "").localeCompare(a.activity ?? "") ||
      a.room.localeCompare(b.room);
    return [...this.#rows.values()].filter((row) => !row.archived).sort(order);
  }

  isMuted({ muted_until: until }, now) {
    return Boolean(until && Date.parse(until) > now);
  }

  /** The server's total at a moment at which these rows were as they are now. */
  setTotal(total, now) {
    this.unreadElsewhere = Math.max(0, total - this.#sum(now));
  }

  /**
   * The number in the title and badge: unread messages of all chats that are not muted, nor on the screen (`watched`).
   */
  total(now, watched = null) {
    return this.unreadElsewhere + this.#sum(now, watched);
  }

  #sum(now, watched = null) {
    const isQuiet = (row) => row.room === watched || row.archived || this.isMuted(row, now);
    return [...this.#rows.values()].reduce((sum, row) => sum + (isQuiet(row) ? 0 : row.unread), 0);
  }
}
