// Timers, backoff, retries and the lock between tabs; and the clock that is passed to everything else.

const FIRST_MS = 500;
const LONGEST_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/** Full jitter: anything from zero to the step, so that a thousand browsers cut at once do not come back at once. */
export function backoff(attempt, random = Math.random) {
  return Math.floor(random() * LONGEST_MS[Math.min(attempt, LONGEST_MS.length - 1)]);
}

/** The delay before a retry: longer each time, and at least as long as the server demands. */
export const retryAfter = (error, attempt, random = Math.random) =>
  Math.max(error?.retryAfterMs || 0, FIRST_MS + backoff(attempt, random));

/** `after` returns the function that calls it off. Tests pass a clock of their own with the same two methods. */
export const systemClock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Runs when the browser is idle: what the first paint and the first key do not need. */
export function whenIdle(run) {
  if (globalThis.requestIdleCallback) requestIdleCallback(run, { timeout: 2_000 });
  else setTimeout(run, 500);
}

const AGAIN_MS = 5_000;
const LONGEST_AGAIN_MS = 60_000;

/**
 * Loads what is not needed at once while the page is idle, and not when it is used: there may be no connection by then.
 * A failed load is retried. Returns the promise of what `load` promises.
 */
export const loadWhenIdle = (load) =>
  new Promise((done) => {
    const attempt = (wait) => load().then(done, () => setTimeout(attempt, wait, Math.min(2 * wait, LONGEST_AGAIN_MS)));
    whenIdle(() => attempt(AGAIN_MS));
  });

const isForGood = ({ status } = {}) => status >= 400 && status < 500 && status !== 408 && status !== 429;

/**
 * Retries until there is an answer, with growing delays, whatever the failure. Null when it is refused for good, or no
 * longer wanted.
 */
export async function retryUntilAnswered(request, { clock, isWanted = () => true, random = Math.random }) {
  for (let attempt = 0; isWanted(); attempt += 1) {
    try {
      return await request();
    } catch (error) {
      if (isForGood(error)) return null;
      await new Promise((done) => clock.after(retryAfter(error, attempt, random), done));
    }
  }
  return null;
}

/** Runs a function once, at the time it was last set to. */
export class Timer {
  #clock;
  #run;
  #cancel = null;

  constructor(clock, run) {
    this.#clock = clock;
    this.#run = run;
  }

  set(at) {
    this.clear();
    if (at == null) return;
    this.#cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => {
      this.#cancel = null;
      this.#run(at);
    });
  }

  clear() {
    this.#cancel?.();
    this.#cancel = null;
  }

  get isSet() {
    return this.#cancel !== null;
  }
}

/** A lock that one tab of the account holds at a time. */
export class TabLock {
  #runExclusive;
  #onChange;
  #isRequested = false;
  #release = null;

  /**
   * `runExclusive(run)` calls `run` while no other tab holds the lock, until its promise settles; `onChange()` is
   * called when the lock was acquired or stolen.
   */
  constructor(runExclusive, onChange) {
    this.#runExclusive = runExclusive;
    this.#onChange = onChange;
  }

  get isHeld() {
    return this.#release !== null;
  }

  async acquire() {
    if (this.#isRequested) return;
    this.#isRequested = true;
    let held = null;
    const begin = (release) => {
      this.#isRequested = false;
      this.#release = held = release;
      this.#onChange();
    };
    try {
      await this.#runExclusive(() => new Promise(begin));
    } catch {
      // This tab was frozen for so long that another one took the lock.
      if (this.#release !== held) return;
      this.#release = null;
      this.#onChange();
    }
  }

  release() {
    this.#release?.();
    this.#release = null;
  }
}
