// What the peer of the open chat is doing right now: the line under the name, the dot, the bubble. Loaded when idle; reading and writing do not need it.

import { part, setData, setText, view } from "../lib/dom.js";
import { typingSet } from "../protocol/commands.js";
import { statusLine } from "../state/presence.js";
import { OwnTyping } from "../state/typing.js";

const MINUTE_MS = 60_000;
const NAME = "pane";

export class SignsView {
  #with;
  #own;
  #status;

  /** `peers` is the PeerSigns; `handle()` what the line says while nothing is known; `showsTyping` my own switch; `keeper` the ScrollKeeper. */
  constructor({ root, room, peer, handle, peers, showsTyping, keeper, send, t, dates, clock }) {
    this.#with = { root, room, peer, handle, peers, keeper, send, t, dates, clock };
    this.#status = part(root, "status");
    this.#own = new OwnTyping({ clock, say: (on) => send(typingSet({ room, on })) });
    if (showsTyping) this.#listen(view("composer", root));
  }

  /** The chat is on the screen, until `signal` ends. */
  begin({ signal }) {
    const { peers, room, peer } = this.#with;
    document.addEventListener("visibilitychange", () => document.hidden && this.#own.stop(), { signal });
    peers.want(room, peer, NAME, () => this.render());
    this.#everyMinute(signal);
    this.render();
  }

  /** Another chat takes its place. */
  end() {
    this.#own.stop();
    this.#with.peers.release(this.#with.room, NAME);
  }

  handle(event) {
    if (event.type === "error" && event.ref === `typing:${this.#with.room}` && !event.retryable) this.#own.refused();
  }

  #listen(form) {
    const field = form?.elements.body;
    field?.addEventListener("input", () => this.#own.typed(field.value));
    field?.addEventListener("blur", () => this.#own.stop());
    form?.addEventListener("submit", () => this.#own.stop());
  }

  #everyMinute(signal) {
    if (signal.aborted) return;
    this.#sayStatus();
    this.#with.clock.after(MINUTE_MS, () => this.#everyMinute(signal));
  }

  render() {
    const { root, keeper, peers, room } = this.#with;
    const { online, typing } = peers.get(room);
    this.#sayStatus();
    setData(part(root, "avatar"), "online", online);
    const bubble = part(root, "typing");
    // Above the end nothing moves and nothing is covered: there the line under the name says it.
    const isShown = typing && (!bubble.hidden || keeper.isAtEnd);
    if (bubble.hidden === isShown) keeper.keep(() => (bubble.hidden = !isShown));
  }

  #sayStatus() {
    const { t, dates, peers, room, handle } = this.#with;
    const line = statusLine({ signs: peers.get(room), t, dates });
    setText(this.#status, line?.text ?? handle());
    setData(this.#status, "state", line?.state);
  }
}
