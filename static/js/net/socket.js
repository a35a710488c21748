// One WebSocket with its timer. It runs the state machine of the connection (state/connection.js) and knows nothing
// of chats.

import { ping } from "../protocol/commands.js";
import { Connection } from "../state/connection.js";
import { Timer } from "../lib/timing.js";

const LATE_MS = 5_000;

export class Socket {
  #options;
  #connection;
  #timer;
  #socket = null;

  /**
   * Without `WebSocket` in the browser nothing happens here. `ask()` -> promise of why the handshake was refused:
   * "signed-out", "other-account", "stopped", "reachable" or "unknown". `me`: the user of this page; the greeting of
   * another user ends it. `onEvent(event)` gets every frame except the connection's own; `onState(connection)` is
   * called after every transition.
   */
  constructor({
    url,
    WebSocket,
    clock,
    decoder,
    ask,
    me,
    isVisible = () => true,
    onEvent,
    onState = () => {},
    random = Math.random,
  }) {
    this.#options = { url, WebSocket, clock, decoder, ask, me, isVisible, onEvent, onState };
    this.#connection = new Connection({ now: clock.now(), random });
    this.#timer = new Timer(clock, (due) => this.#onTimer(due));
  }

  get connection() {
    return this.#connection;
  }

  start() {
    this.#dispatch({ type: "start" });
  }

  /**
   * The page became active: "wake" (shown, focused), "pressed", "slept" (the machine slept or the page was frozen),
   * "online", "offline" or "other-account".
   */
  wake(type = "wake") {
    this.#dispatch({ type });
  }

  /** Everything missed has been received. */
  caughtUp() {
    this.#dispatch({ type: "caught-up" });
  }

  /** False means: not now. Commands that must not be lost are kept elsewhere. */
  send(command) {
    if (this.#socket?.readyState !== 1 || this.#connection.establishedAt === null) return false;
    this.#socket.send(JSON.stringify(command));
    return true;
  }

  #dispatch(event) {
    if (!this.#options.WebSocket) return;
    const { name, isReachable } = this.#connection;
    for (const effect of this.#connection.on(event, this.#options.clock.now())) this.#EFFECTS[effect]();
    this.#timer.set(this.#connection.wakeAt);
    const hasChanged = this.#connection.name !== name || this.#connection.isReachable !== isReachable;
    if (hasChanged || event.type === "offline" || event.type === "online") this.#options.onState(this.#connection);
  }

  #EFFECTS = {
    open: () => this.#openSocket(),
    close: () => this.#closeSocket(),
    ping: () => this.send(ping(this.#options.isVisible())),
    ask: () => this.#options.ask().then((reason) => this.#dispatch({ type: "verdict", reason })),
  };

  /**
   * A late timer means that the page was frozen: the socket may be dead unnoticed, or alive with its answer still
   * unread.
   */
  #onTimer(due) {
    if (this.#options.clock.now() - due >= LATE_MS) this.#dispatch({ type: "slept" });
    this.#dispatch({ type: "tick" });
  }

  #openSocket() {
    this.#closeSocket();
    const socket = new this.#options.WebSocket(this.#options.url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => {
      this.#socket = null;
      this.#dispatch({ type: "closed", code });
    };
  }

  #closeSocket() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #receive(data) {
    const event = this.#options.decoder.decode(data);
    this.#dispatch({ type: event?.type === "pong" ? "pong" : "frame" });
    if (!event || event.type === "pong") return;
    if (event.type === "bye") return this.#dispatch(event);
    if (event.type === "connection_established" && this.#options.me && event.user.id !== this.#options.me)
      return this.#dispatch({ type: "other-account" });
    if (event.type === "connection_established")
      this.#dispatch({ type: "established", heartbeat_ms: event.heartbeat_ms });
    this.#options.onEvent(event);
  }
}
