// A voice message while it is recorded: how long it is, how loud it was, when it has to end. The microphone and the
// clock are passed in.

import { Timer } from "../lib/timing.js";

export const LONGEST_MS = 10 * 60_000;
const WARN_MS = LONGEST_MS - 30_000;
const TICK_MS = 100;
const PEAKS = 64;

/** 64 whole numbers from 0 to 100: the loudest of each part. None for no levels. */
export function peaksOf(levels) {
  const count = levels.length && PEAKS;
  const loudest = Math.max(...levels, 0.05);
  return Array.from({ length: count }, (_, at) => {
    const from = Math.floor((at * levels.length) / count);
    const to = Math.max(from + 1, Math.floor(((at + 1) * levels.length) / count));
    return Math.round((100 * Math.max(...levels.slice(from, to))) / loudest);
  });
}

export class Recording {
  #microphone;
  #clock;
  #on;
  #timer;
  #recordedMs = 0;
  #since = null;
  #isWarned = false;
  /** 0 to 1, ten a second. */
  levels = [];

  /**
   * `microphone` {pause(), resume(), level() -> 0 to 1}; it records already. `on.tick()` ten times a second,
   * `on.warn()` half a minute before the end, `on.full()` at the end, where it pauses.
   */
  constructor({ microphone, clock, on }) {
    this.#microphone = microphone;
    this.#clock = clock;
    this.#on = on;
    this.#timer = new Timer(clock, () => this.#tick());
    this.#begin();
  }

  get isPaused() {
    return this.#since === null;
  }

  get ms() {
    return this.#recordedMs + (this.isPaused ? 0 : this.#clock.now() - this.#since);
  }

  get seconds() {
    return Math.round(this.ms / 100) / 10;
  }

  get isFull() {
    return this.ms >= LONGEST_MS;
  }

  get peaks() {
    return peaksOf(this.levels);
  }

  pause() {
    if (this.isPaused) return;
    this.#recordedMs = Math.min(this.ms, LONGEST_MS);
    this.#since = null;
    this.#timer.clear();
    this.#microphone.pause();
    this.#on.tick();
  }

  resume() {
    if (!this.isPaused || this.isFull) return;
    this.#microphone.resume();
    this.#begin();
  }

  #begin() {
    this.#since = this.#clock.now();
    this.#timer.set(this.#clock.now() + TICK_MS);
  }

  #tick() {
    this.levels.push(this.#microphone.level());
    if (this.isFull) {
      this.pause();
      return this.#on.full();
    }
    if (this.ms >= WARN_MS && !this.#isWarned) {
      this.#isWarned = true;
      this.#on.warn();
    }
    this.#timer.set(this.#clock.now() + TICK_MS);
    this.#on.tick();
  }
}

const SHORT_PRESS_MS = 350;
const LOCK_PX = 64;
const CANCEL_PX = 96;

/**
 * A finger on the microphone button: held it records and sends when it is lifted; slid up it goes on without the
 * finger; slid to the beginning of the line it cancels. A short press goes on without the finger, too.
 */
export class HoldToRecord {
  #clock;
  #on;
  #isRightToLeft;
  #down = null;

  /** `on`: start(), slide({cancel, lock}) from 0 to 1, locked(), cancelled(), released(). */
  constructor({ clock, on, isRightToLeft = () => false }) {
    this.#clock = clock;
    this.#on = on;
    this.#isRightToLeft = isRightToLeft;
  }

  get isHeld() {
    return this.#down !== null;
  }

  press({ x, y }) {
    this.#down = { x, y, at: this.#clock.now() };
    this.#on.start();
  }

  move({ x, y }) {
    if (!this.#down) return;
    const back = (this.#isRightToLeft() ? x - this.#down.x : this.#down.x - x) / CANCEL_PX;
    const up = (this.#down.y - y) / LOCK_PX;
    if (up >= 1) this.#end("locked");
    else if (back >= 1) this.#end("cancelled");
    else this.#on.slide({ cancel: Math.max(0, back), lock: Math.max(0, up) });
  }

  release() {
    if (this.#down) this.#end(this.#clock.now() - this.#down.at < SHORT_PRESS_MS ? "locked" : "released");
  }

  /** The browser took the finger for something else, or asked for the microphone: it goes on without the finger. */
  lose() {
    if (this.#down) this.#end("locked");
  }

  #end(how) {
    this.#down = null;
    this.#on[how]();
  }
}
