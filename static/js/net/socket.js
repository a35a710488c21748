// One WebSocket and the clock around it. Knows the life of a connection (state/connection.js) and no chat.

import { ping } from "../protocol/commands.js";
import { Connection } from "../state/connection.js";
import { Alarm } from "../lib/timing.js";

const LATE_MS = 5_000;

export class Socket {
  #with;
  #connection;
  #alarm;
  #line = null;

  /**
   * Where the browser has no `WebSocket`, nothing ever happens here. `ask()` -> promise of "signed-out", "other-account", "stopped", "reachable" or "unknown": why was the handshake refused?
   * `me`: the person of this page; the greeting of another one ends it. `onEvent(event)` for every frame but the connection's own; `onState(connection)` after every move.
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
    this.#with = { url, WebSocket, clock, decoder, ask, me, isVisible, onEvent, onState };
    this.#connection = new Connection({ now: clock.now(), random });
    this.#alarm = new Alarm(clock, (due) => this.#rang(due));
  }

  get connection() {
    return this.#connection;
  }

  start() {
    this.#feed({ type: "start" });
  }

  /** Something woke us: "wake" (shown, focused), "pressed", "slept" (the machine or the page stood still), "online", "offline" or "other-account". */
  wake(type = "wake") {
    this.#feed({ type });
  }

  /** Everything missed is in. */
  caughtUp() {
    this.#feed({ type: "caught-up" });
  }

  /** False means: not now. What must not be lost waits elsewhere. */
  send(command) {
    if (this.#line?.readyState !== 1 || this.#connection.greetedAt === null) return false;
    this.#line.send(JSON.stringify(command));
    return true;
  }

  #feed(event) {
    if (!this.#with.WebSocket) return;
    const { name, isReachable } = this.#connection;
    for (const effect of this.#connection.on(event, this.#with.clock.now())) this.#DO[effect]();
    this.#alarm.set(this.#connection.wakeAt);
    const isMoved = this.#connection.name !== name || this.#connection.isReachable !== isReachable;
    if (isMoved || event.type === "offline" || event.type === "online") this.#with.onState(this.#connection);
  }

  #DO = {
    open: () => this.#openLine(),
    close: () => this.#closeLine(),
    ping: () => this.send(ping(this.#with.isVisible())),
    ask: () => this.#with.ask().then((says) => this.#feed({ type: "verdict", says })),
  };

  /** A timer that is late means that everything stood still: the line may be dead without knowing, or well with its answer still unread. */
  #rang(due) {
    if (this.#with.clock.now() - due >= LATE_MS) this.#feed({ type: "slept" });
    this.#feed({ type: "tick" });
  }

  #openLine() {
    this.#closeLine();
    const line = new this.#with.WebSocket(this.#with.url);
    this.#line = line;
    line.onmessage = ({ data }) => this.#hear(data);
    line.onclose = ({ code }) => {
      this.#line = null;
      this.#feed({ type: "closed", code });
    };
  }

  #closeLine() {
    const line = this.#line;
    this.#line = null;
    if (!line) return;
    line.onmessage = line.onclose = null;
    line.close();
  }

  #hear(data) {
    const event = this.#with.decoder.decode(data);
    this.#feed({ type: event?.type === "pong" ? "answered" : "heard" });
    if (!event || event.type === "pong") return;
    if (event.type === "bye") return this.#feed(event);
    if (event.type === "connection_established" && this.#with.me && event.user.id !== this.#with.me)
      return this.#feed({ type: "other-account" });
    if (event.type === "connection_established") this.#feed({ type: "greeted", heartbeat_ms: event.heartbeat_ms });
    this.#with.onEvent(event);
  }
}
