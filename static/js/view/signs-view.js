// What the peer of the open chat is doing right now: the line under the name, the dot, the bubble. Loaded when idle; reading and writing do not need it.

import { part, setData, setText, view } from "../lib/dom.js";
import { roomClose, roomOpen, typingSet } from "../protocol/commands.js";
import { PeerPresence, statusLine } from "../state/presence.js";
import { OwnTyping, PeerTyping } from "../state/typing.js";

const MINUTE_MS = 60_000;

export class SignsView {
  #with;
  #own;
  #typing;
  #presence;
  #status;
  #otherwise;
  #isOpen = false;

  /** `peer` is the id; `showsTyping` my own switch; `keeper` the ScrollKeeper; `onChange()` after every change. */
  constructor({ root, room, peer, showsTyping, keeper, send, t, dates, clock, onChange = () => {} }) {
    this.#with = { root, room, peer, keeper, send, t, dates, clock, onChange };
    this.#status = part(root, "status");
    this.#otherwise = this.#status.textContent;
    this.#forget();
    this.#own = new OwnTyping({ clock, say: (on) => send(typingSet({ room, on })) });
    if (showsTyping) this.#listen(view("composer", root));
  }

  /** The chat is on the screen, until `signal` ends. */
  begin({ connection, signal }) {
    document.addEventListener("visibilitychange", () => document.hidden && this.#own.stop(), { signal });
    this.#everyMinute(signal);
    this.connected(connection);
  }

  /** Another chat takes its place; what is known of the peer grows old unheard. */
  end() {
    this.#own.stop();
    if (this.#isOpen) this.#with.send(roomClose({ room: this.#with.room }));
    this.#isOpen = false;
    this.#forget();
    this.#render();
  }

  get typing() {
    return this.#typing.on;
  }

  get online() {
    return this.#presence.online;
  }

  /** After every reconnect the server is told again what is on the screen. */
  connected({ name, greetedAt }) {
    if (greetedAt === null) this.#isOpen = false;
    else if (name === "live" && !this.#isOpen) this.#isOpen = this.#with.send(roomOpen({ room: this.#with.room }));
  }

  handle(event) {
    const { room, peer } = this.#with;
    if (event.type === "typing" && event.room === room && event.user === peer) this.#typing.heard(event);
    else if (event.type === "presence" && event.user === peer) this.#presence.heard(event);
    else if (event.type === "error" && event.ref === `typing:${room}` && !event.retryable) this.#own.refused();
  }

  /** A message of the peer came into this room. */
  arrived() {
    this.#typing.ended();
  }

  #listen(form) {
    const field = form?.elements.body;
    field?.addEventListener("input", () => this.#own.typed(field.value));
    field?.addEventListener("blur", () => this.#own.stop());
    form?.addEventListener("submit", () => this.#own.stop());
  }

  #forget() {
    const { clock } = this.#with;
    this.#typing = new PeerTyping({ clock, onChange: () => this.#render() });
    this.#presence = new PeerPresence({ clock, onChange: () => this.#render() });
  }

  #everyMinute(signal) {
    if (signal.aborted) return;
    this.#sayStatus();
    this.#with.clock.after(MINUTE_MS, () => this.#everyMinute(signal));
  }

  #render() {
    const { root, keeper, onChange } = this.#with;
    this.#sayStatus();
    setData(part(root, "avatar"), "online", this.online);
    const bubble = part(root, "typing");
    // Above the end nothing moves and nothing is covered: there the line under the name says it.
    const isShown = this.typing && (!bubble.hidden || keeper.isAtEnd);
    if (bubble.hidden === isShown) keeper.keep(() => (bubble.hidden = !isShown));
    onChange();
  }

  #sayStatus() {
    const { t, dates } = this.#with;
    const line = statusLine({ typing: this.#typing, presence: this.#presence, t, dates });
    setText(this.#status, line?.text ?? this.#otherwise);
    setData(this.#status, "state", line?.state);
  }
}
