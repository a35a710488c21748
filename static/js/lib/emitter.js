// An event emitter. Parts that load later subscribe to it; a listener that throws does not stop the others.

import { safely } from "./errors.js";

export class Emitter {
  #listeners = {};

  on(type, listener) {
    (this.#listeners[type] ??= []).push(listener);
  }

  /** Returns whether a listener returned true, which means that it has taken over what was asked for. */
  emit(type, detail) {
    return (this.#listeners[type] ?? []).map((listener) => safely(() => listener(detail))).includes(true);
  }
}
