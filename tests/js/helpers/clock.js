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
