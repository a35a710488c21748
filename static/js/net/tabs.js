// Messages between the tabs of one account in this browser, and the lock that lets one tab send at a time.

import { optional } from "../lib/errors.js";
import { systemClock } from "../lib/timing.js";

const FROZEN_MS = 20_000;

export class Tabs {
  #channel = null;
  #user;
  #locks;
  #clock;

  /**
   * `onMessage(kind, data)` with kind "draft", "outbox", "look" or "log-out", and "stored" once the storage of this tab
   * shows what another one has stored (its message may come earlier). BroadcastChannel and Web Locks are missing in
   * some browsers and on plain-http origins.
   */
  constructor({
    user,
    onMessage,
    clock = systemClock,
    BroadcastChannel = globalThis.BroadcastChannel,
    locks = globalThis.navigator?.locks,
    window = globalThis.window,
  }) {
    this.#user = user;
    this.#locks = locks;
    this.#clock = clock;
    window?.addEventListener("storage", () => onMessage("stored", {}));
    // A browser without it, or one that refuses it together with the data of sites.
    this.#channel = optional(() => new BroadcastChannel(`app:${user}`));
    if (this.#channel) this.#channel.onmessage = ({ data }) => onMessage(data.kind, data);
  }

  broadcast(kind, data = {}) {
    optional(() => this.#channel?.postMessage({ kind, ...data }));
  }

  /**
   * Runs while no other tab does. Without locks each tab sends by itself: the same id twice is stored once.
   * A frozen tab keeps its lock, so the lock is stolen after a while; the promise of that tab's `run` rejects.
   */
  async exclusive(run) {
    if (!this.#locks) return run();
    const name = `outbox:${this.#user}`;
    const timeout = new AbortController();
    const callOff = this.#clock.after(FROZEN_MS, () => timeout.abort());
    let isMine = false;
    const begin = () => {
      isMine = true;
      callOff();
      return run();
    };
    try {
      return await this.#locks.request(name, { signal: timeout.signal }, begin);
    } catch (error) {
      if (isMine) throw error;
      return timeout.signal.aborted ? this.#locks.request(name, { steal: true }, begin) : begin();
    }
  }
}
