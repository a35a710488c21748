// A clock that moves only when told, and rings every alarm on the way.

export class FakeClock {
  #now;
  #alarms = [];

  constructor(start = Date.parse("2026-11-21T12:00:00Z")) {
    this.#now = start;
    this.now = () => this.#now;
  }

  after(ms, run) {
    const alarm = { at: this.#now + ms, run };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm);
    };
  }

  /** Also waits for what promises do between two alarms. */
  async advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const due = this.#alarms.filter((alarm) => alarm.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#alarms = this.#alarms.filter((alarm) => alarm !== due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
    }
    this.#now = end;
    await settle();
  }

  /** The machine slept: time has passed and no alarm rang on the way. */
  async sleep(ms) {
    this.#now += ms;
    await this.advance(0);
  }
}

export async function settle() {
  for (let round = 0; round < 10; round += 1) await Promise.resolve();
}

/** The same numbers for the same seed. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** localStorage as far as the store uses it: its keys are its own properties. */
export function fakeStorage() {
  const storage = Object.create({
    getItem: (key) => storage[key] ?? null,
    setItem: (key, value) => {
      storage[key] = String(value);
    },
    removeItem: (key) => {
      delete storage[key];
    },
  });
  return storage;
}

/**
 * Web Locks: one holder at a time, the others in a queue that they may leave; or take it by force, and the holder's
 * promise rejects.
 */
export function fakeLocks() {
  const queue = [];
  let holder = null;
  function next() {
    holder = queue.shift() ?? null;
    holder?.begin();
  }
  function request(name, { signal, steal = false }, run) {
    return new Promise((resolve, reject) => {
      const mine = {
        reject,
        begin: () =>
          Promise.resolve()
            .then(run)
            .then(resolve, reject)
            .then(() => holder === mine && next()),
      };
      signal?.addEventListener("abort", () => {
        if (!queue.includes(mine)) return;
        queue.splice(queue.indexOf(mine), 1);
        reject(signal.reason);
      });
      if (steal) {
        holder?.reject(new DOMException("stolen", "AbortError"));
        holder = null;
        queue.unshift(mine);
      } else queue.push(mine);
      if (holder === null) next();
    });
  }
  return { request };
}

/** The keys of what waits to be sent or is typed; not the times at which something was sent. */
export const keysOf = (storage) => Object.keys(storage).filter((key) => !key.includes(":ended:"));
