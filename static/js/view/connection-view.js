// The strip that says how the connection is (ui-spec K1, K2): late to appear, quick to go.

import { part, setText, view } from "../lib/dom.js";
import { Alarm } from "../lib/timing.js";
import { strip } from "../state/connection-notice.js";

const BACK_MS = 1_500;

export class ConnectionView {
  #root = null;
  #t;
  #clock;
  #say;
  #alarm;
  #connection = null;
  /** Said in whatever chat is on the screen, and since when, goes along from chat to chat. */
  #state = "quiet";
  #text = "";

  /** `say(text)` tells screen readers politely; `onRetry` is the press on "Try now". */
  constructor({ t, clock, say, onRetry }) {
    this.#t = t;
    this.#clock = clock;
    this.#say = say;
    this.#alarm = new Alarm(clock, () => this.update());
    document.addEventListener("click", ({ target }) => target.closest('[data-action="retry"]') && onRetry());
    this.place();
  }

  /** The strip of the chat that is on the screen now. */
  place() {
    this.#root = view("connection");
    this.#render();
  }

  update(connection = this.#connection) {
    this.#connection = connection;
    const { says, until } = strip(connection, this.#clock.now());
    this.#alarm.set(until);
    if (connection.name === "stopped") return this.#show("offline", this.#t("This page is out of date. Reload it."));
    if (says === "connecting") this.#show("connecting", this.#t("Reconnecting…"));
    else if (says === "polling")
      this.#show(
        connection.name === "without-sockets" ? "connecting" : "offline",
        this.#t("No live connection. New messages are fetched every few seconds."),
      );
    else if (says === "offline")
      this.#show("offline", this.#t("No connection. Messages will be sent when you’re back online."));
    else if (connection.name !== "live") this.#hide();
    else if (this.#state !== "quiet" && this.#state !== "back") this.#comeBack();
  }

  #comeBack() {
    this.#show("back", this.#t("Connected"));
    this.#clock.after(BACK_MS, () => this.#state === "back" && this.#hide());
  }

  #show(state, text) {
    if (this.#state === state && this.#text === text) return;
    this.#state = state;
    this.#text = text;
    this.#render();
    this.#say(text);
  }

  #hide() {
    this.#state = "quiet";
    this.#render();
  }

  #render() {
    if (!this.#root) return;
    this.#root.dataset.state = this.#state;
    if (this.#state !== "quiet") setText(part(this.#root, "text"), this.#text);
    this.#root.hidden = this.#state === "quiet";
  }
}
