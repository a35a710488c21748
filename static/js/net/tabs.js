// The other tabs of the same account in this browser: what they tell each other, and that only one of them sends at a time.

export class Tabs {
  #channel = null;
  #user;
  #locks;

  /**
   * `onNews(kind, data)` with kind "draft", "outbox" or "log-out", and "stored" once the storage of this tab shows what another has kept
   * (word of it may come earlier). Both helpers are missing in some browsers and on plain-http origins.
   */
  constructor({ user, onNews, BroadcastChannel = globalThis.BroadcastChannel, locks = globalThis.navigator?.locks, window = globalThis.window }) {
    this.#user = user;
    this.#locks = locks;
    window?.addEventListener("storage", () => onNews("stored", {}));
    if (!BroadcastChannel) return;
    this.#channel = new BroadcastChannel(`app:${user}`);
    this.#channel.onmessage = ({ data }) => onNews(data.kind, data);
  }

  tell(kind, data = {}) {
    this.#channel?.postMessage({ kind, ...data });
  }

  /** Runs while no other tab does. Without locks each tab sends for itself: the same id twice is stored once. */
  exclusive(run) {
    return this.#locks ? this.#locks.request(`outbox:${this.#user}`, run) : run();
  }
}
