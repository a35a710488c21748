// The notice about the connection (docs/interface.md K1, K2): late to appear, quick to go.

import { part, setText, view } from "../lib/dom.js";
import { Timer } from "../lib/timing.js";
import { connectionNotice } from "../state/connection-notice.js";

const BACK_MS = 1_500;

class ConnectionView {
  #root = null;
  #options;
  #timer;
  #connection = null;
  /** The text, and since when it is shown, carry over from chat to chat. */
  #state = "quiet";
  #text = "";

  /** `announce(text)` tells screen readers politely; `onRetry` is the press on "Try now". */
  constructor(options) {
    const { clock, onRetry } = (this.#options = options);
    this.#timer = new Timer(clock, () => this.update());
    document.addEventListener("click", ({ target }) => target.closest('[data-action="retry"]') && onRetry());
    this.place();
  }

  /** The notice of the chat that is on the screen now. */
  place() {
    this.#root = view("connection");
    this.#render();
  }

  update(connection = this.#connection) {
    this.#connection = connection;
    const { notice, until } = connectionNotice(connection, this.#options.clock.now());
    this.#timer.set(until);
    if (connection.name === "stopped")
      return this.#show("offline", this.#options.t("This page is out of date. Reload it."));
    if (notice === "connecting") this.#show("connecting", this.#options.t("Reconnecting…"));
    else if (notice === "polling")
      this.#show(
        connection.name === "without-sockets" ? "connecting" : "offline",
        this.#options.t("No live connection. New messages are fetched every few seconds."),
      );
    else if (notice === "offline")
      this.#show("offline", this.#options.t("No connection. Messages will be sent when you’re back online."));
    else if (connection.name !== "live") this.#hide();
    else if (this.#state !== "quiet" && this.#state !== "back") this.#showRestored();
  }

  #showRestored() {
    this.#show("back", this.#options.t("Connected"));
    this.#options.clock.after(BACK_MS, () => this.#state === "back" && this.#hide());
  }

  #show(state, text) {
    if (this.#state === state && this.#text === text) return;
    this.#state = state;
    this.#text = text;
    this.#render();
    this.#options.announce(text);
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

export function start({ t, clock, announce, socket, events }) {
  const { connection } = socket;
  const notice = new ConnectionView({ t, clock, announce, onRetry: () => socket.wake() });
  events.on("connection", (changed) => notice.update(changed));
  events.on("shown", () => notice.place());
  notice.update(globalThis.WebSocket ? connection : { ...connection, name: "without-sockets" });
}
