// When this browser notifies of a message (docs/interface.md M2, M5, M7): from one tab only, and not for a chat that
// the user sees.

const ASK_OTHERS_MS = 200;
const SOUND_EVERY_MS = 5_000;
const FIRST_VISIT_MS = 60_000;
const NOT_NOW_MS = 30 * 24 * 3_600_000;
const KEY = "alerts";

/** May a notification of message `seq` stay? Not once the chat is read, or that text deleted (docs/threats.md T63). */
export function isCurrent(row, seq) {
  const last = row?.last_message;
  return Boolean(row?.unread) && !(last?.seq === seq && (last.deleted_at || last.deleted_for_me));
}

export class NotificationPolicy {
  #options;
  #seen = new Map();
  #soundAt = -Infinity;

  /**
   * `isLeader()`: this tab notifies for all; `isWatched(room)`: the user sees this chat in this tab; `isActive()`: the
   * user is in this tab; `broadcast(room)` tells the other tabs that the user sees this chat; `notify(room, message)`
   * and `sound()` do it.
   */
  constructor(options) {
    this.#options = options;
    if (!this.#kept.since) this.#keep({ since: options.clock.now() });
  }

  /** A message of the peer came; `isMuted` and `isRequest` are silent. */
  arrived({ room, message, isMuted = false, isRequest = false }) {
    const { clock, isWatched, isActive, broadcast } = this.#options;
    if (isWatched(room)) return broadcast(room);
    if (isMuted || isRequest) return;
    const at = clock.now();
    // A user who sees it arrive in the list needs no notification, even if they leave right then.
    const isSeen = isActive();
    // Another window may show this chat; it broadcasts that at once.
    clock.after(
      ASK_OTHERS_MS,
      () => (this.#seen.get(room) ?? -Infinity) < at - ASK_OTHERS_MS && this.#speak(room, message, isSeen),
    );
  }

  /** The user sees this chat in another tab. */
  visibleElsewhere(room) {
    this.#seen.set(room, this.#options.clock.now());
  }

  #speak(room, message, isSeen) {
    const { clock, isLeader, notify, sound } = this.#options;
    if (!isLeader()) return;
    if (this.isOn && !isSeen) notify(room, message);
    if (!this.hasSound || clock.now() - this.#soundAt < SOUND_EVERY_MS) return;
    this.#soundAt = clock.now();
    sound();
  }

  get #kept() {
    return this.#options.store.get(KEY) ?? {};
  }

  #keep(changes) {
    this.#options.store.set(KEY, { ...this.#kept, ...changes });
  }

  get isOn() {
    return this.#kept.isOn ?? false;
  }

  set isOn(isOn) {
    this.#keep({ isOn });
  }

  get hasSound() {
    return this.#kept.hasSound ?? false;
  }

  set hasSound(hasSound) {
    this.#keep({ hasSound });
  }

  /**
   * May the card that offers notifications be shown? After a message was received, not in the first minute of the first
   * visit, and not soon after "Not now".
   */
  mayAsk({ permission, hasReceived }) {
    const { since = 0, refusedAt = -Infinity } = this.#kept;
    const now = this.#options.clock.now();
    return permission === "default" && hasReceived && now - since >= FIRST_VISIT_MS && now - refusedAt >= NOT_NOW_MS;
  }

  notNow() {
    this.#keep({ refusedAt: this.#options.clock.now() });
  }
}
