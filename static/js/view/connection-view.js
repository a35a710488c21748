// The strip that says how the connection is (ui-spec K1, K2): late to appear, quick to go.

import { part, setText } from "../lib/dom.js";
import { Alarm } from "../lib/timing.js";
import { strip } from "../state/connection.js";

const BACK_MS = 1_500;

export class ConnectionView {
  #root;
  #t;
  #clock;
  #say;
  #alarm;
  #connection = null;

  /** `say(text)` tells screen readers politely; `onRetry` is the press on "Try now". */
  constructor({ root, t, clock, say, onRetry }) {
    this.#root = root;
    this.#t = t;
    this.#clock = clock;
    this.#say = say;
    this.#alarm = new Alarm(clock, () => this.update());
    root.querySelector('[data-action="retry"]')?.addEventListener("click", onRetry);
  }

  update(connection = this.#connection) {
    this.#connection = connection;
    const { says, until } = strip(connection, this.#clock.now());
    const wasVisible = !this.#root.hidden;
    const state = this.#root.dataset.state;
    this.#alarm.set(until);
    if (connection.name === "stopped") return this.#show("offline", this.#t("This page can no longer be used. Please load it again."));
    if (says === "connecting") this.#show("connecting", this.#t("Connecting again…"));
    else if (says === "offline") this.#show("offline", this.#t("No connection. Messages will go out when it is back."));
    else if (wasVisible && connection.name === "live" && state !== "back") this.#comeBack();
    else if (state !== "back" || connection.name !== "live") this.#hide();
  }

  /** Something that stays as it is. */
  tell(text) {
    this.#show("connecting", text);
  }

  #comeBack() {
    this.#show("back", this.#t("Connected"));
    this.#clock.after(BACK_MS, () => this.#root.dataset.state === "back" && this.#hide());
  }

  #show(state, text) {
    if (this.#root.dataset.state === state && !this.#root.hidden) return;
    this.#root.dataset.state = state;
    setText(part(this.#root, "text"), text);
    this.#root.hidden = false;
    this.#say(text);
  }

  #hide() {
    this.#root.dataset.state = "quiet";
    this.#root.hidden = true;
  }
}
