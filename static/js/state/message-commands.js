// Edits, deletions and reactions of this device: put into the outbox, and shown before the server has answered.

/** So long a deletion can be undone. */
export const UNDO_MS = 5_000;
/** The author may change a text for a day (docs/protocol.md 5); the server decides. */
const EDIT_MS = 24 * 3_600_000;

const isWaiting = ({ state }) => state === "pending" || state === "sent";

/** The answer has come, but not the event: without this the old state would show in between. */
const isAhead = ({ state, version, from }, message) =>
  state === "accepted" && message.version < (version ?? (from ?? 0) + 1);

/**
 * Only the number of the message is newer, because of a reaction, or because of an edit of this device before this one:
 * the same edit is sent again for the newer number.
 */
export const isStale = ({ command, reason, base, state }, message) =>
  state === "failed" && reason === "conflict" && message.body === base && message.version > command.version;

const isEdit = ({ command }) => command.type === "message.edit";

const counts = (entry, message) => isWaiting(entry) || isAhead(entry, message) || isStale(entry, message);

/** Each user has at most one reaction to a message: another emoji takes the place of the first. */
function reacted(reactions = [], { emoji, on }, me) {
  const left = reactions
    .map((one) => ({ ...one, users: one.users.filter((user) => user !== me) }))
    .filter(({ users }) => users.length);
  if (!on) return left;
  const same = left.find((one) => one.emoji === emoji);
  if (!same) return [...left, { emoji, users: [me] }];
  return left.map((one) => (one === same ? { ...one, users: [...one.users, me] } : one));
}

const AFTER = {
  "message.edit": (message, { command, at, state }) => ({
    ...message,
    body: command.body,
    edited_at: message.edited_at ?? new Date(at).toISOString(),
    isSaving: state !== "accepted",
  }),
  "message.delete": (message, { command, at }) => ({
    ...message,
    body: "",
    attachments: [],
    reactions: [],
    reply: null,
    ...(command.scope === "me" ? { deleted_for_me: true } : { deleted_at: new Date(at).toISOString() }),
  }),
  "reaction.set": (message, { command }, me) => ({
    ...message,
    reactions: reacted(message.reactions, command, me),
  }),
};

const isOver = (message) => Boolean(message.deleted_at || message.deleted_for_me);

/** The message as it will be once the `entries` of the outbox are done; `failed` is an edit that the server refused. */
export function applied(message, entries, me) {
  let shown = message;
  for (const entry of entries) {
    if (entry.command.seq !== message.seq) continue;
    if (!isOver(shown) && counts(entry, message)) shown = AFTER[entry.command.type]?.(shown, entry, me) ?? shown;
    else if (isEdit(entry) && entry.state === "failed")
      shown = { ...shown, failed: { id: entry.id, reason: entry.reason, body: entry.command.body } };
  }
  return shown;
}

export const reactionOf = ({ reactions = [] }, me) => reactions.find(({ users }) => users.includes(me))?.emoji ?? null;

export class MessageCommands {
  #outbox;
  #clock;
  #me;
  #now;

  /** `now()` is the server's time. */
  constructor({ outbox, clock, me, now = clock.now }) {
    this.#outbox = outbox;
    this.#clock = clock;
    this.#me = me;
    this.#now = now;
  }

  /** The message as this device shows it. */
  shown(room, message) {
    return applied(message, this.#outbox.entries(room), this.#me);
  }

  canEdit({ seq, sender, kind, created_at: at, ...message }) {
    return (
      Boolean(seq) &&
      sender === this.#me &&
      kind === "text" &&
      !isOver(message) &&
      this.#now() - Date.parse(at) < EDIT_MS
    );
  }

  /** `message` as the server has it. A second edit before the first is sent takes its place. */
  edit({ room, message, body }) {
    const { seq } = message;
    const first = this.#withdraw(room, seq, isEdit).find(isWaiting);
    const before = this.shown(room, message);
    if (body === before.body) return null;
    const { from = message.version, base = before.body } = first ?? {};
    const version = first?.command.version ?? message.version;
    return this.#outbox.add({ room, command: { type: "message.edit", seq, body, version }, from, base });
  }

  /** After a conflict: this text is the one that shall stay, whatever the other device wrote. */
  insist({ room, message, id }) {
    const entry = this.#outbox.discard(id);
    return entry && this.edit({ room, message, body: entry.command.body });
  }

  /** Returns the entry; `withdraw` of the outbox undoes it for UNDO_MS. */
  remove({ room, message: { seq, version }, scope }) {
    if (scope === "everyone") this.#withdraw(room, seq, ({ command }) => command.type !== "message.delete");
    const holdUntil = this.#clock.now() + UNDO_MS;
    return this.#outbox.add({ room, command: { type: "message.delete", seq, scope }, from: version, holdUntil });
  }

  /** Sets my reaction, or takes it back where it is the same. */
  react({ room, message, emoji }) {
    const mine = reactionOf(this.shown(room, message), this.#me);
    this.#withdraw(room, message.seq, ({ command }) => command.type === "reaction.set");
    const before = reactionOf(this.shown(room, message), this.#me);
    const wanted = mine === emoji ? null : emoji;
    if (wanted === before) return null;
    const command = { type: "reaction.set", seq: message.seq, emoji: wanted ?? before, on: wanted !== null };
    return this.#outbox.add({ room, command, from: message.version });
  }

  /**
   * Of a room: sends again what was refused for a newer number only, and returns what failed for good. An edit stays in
   * the outbox with its text until the user decides, without the text that was deleted; anything else is given up, and
   * shows as it was.
   */
  settleFailed(room, messageOf) {
    const failed = this.#outbox.entries(room).filter(({ state, command }) => state === "failed" && command.seq);
    const given = [];
    for (const entry of failed) {
      const message = messageOf(entry.command.seq);
      if (isEdit(entry) && message && isStale(entry, message)) this.#sendAgain(entry, message);
      else if (!isEdit(entry)) given.push(this.#outbox.discard(entry.id));
      else if (entry.reason === "gone" && entry.base != null) this.#outbox.restore({ ...entry, base: null });
    }
    return given.filter(Boolean);
  }

  #sendAgain({ id, room, command, base }, { version }) {
    this.#outbox.discard(id);
    this.#outbox.add({ room, command: { ...command, version }, from: version, base });
  }

  /** Takes out what waits and would be overtaken. What is on its way stays. */
  #withdraw(room, seq, is) {
    return this.#outbox
      .entries(room)
      .filter((entry) => entry.command.seq === seq && entry.state !== "sent" && is(entry))
      .map(({ id }) => this.#outbox.withdraw(id))
      .filter(Boolean);
  }
}
