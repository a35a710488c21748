// Presence of the peer in the open chat: the line under the name, the dot, the typing bubble. Loaded when idle.

import { part, setData, setText, view } from "../lib/dom.js";
import { typingSet } from "../protocol/commands.js";
import { statusLine } from "../state/peer-presence.js";
import { OwnTyping } from "../state/typing.js";

const MINUTE_MS = 60_000;
const NAME = "pane";

export class PresenceView {
  #options;
  #own;
  #status;

  /**
   * `root`, `room`, `events`, `peer`, `chat` (ChatView), `keeper` (ScrollKeeper), `send`, `t`, `dates`, `clock`;
   * `peers` (PeersPresence); `handle()` is shown while the presence is unknown; `sharesTyping` is the user's own
   * setting.
   */
  constructor(options) {
    this.#options = options;
    const { root, room, events, sharesTyping, send, clock } = options;
    events.on("begin", (showing) => this.begin(showing));
    events.on("end", () => this.#end());
    events.on("frame", (event) => this.#receive(event));
    events.on("peer", () => this.render());
    this.#status = part(root, "status");
    this.#own = new OwnTyping({ clock, send: (on) => send(typingSet({ room, on })) });
    if (sharesTyping) this.#listen(view("composer", root));
  }

  /** The chat is on the screen, until `signal` ends. */
  begin({ signal }) {
    const { peers, room, peer } = this.#options;
    document.addEventListener("visibilitychange", () => document.hidden && this.#own.stop(), { signal });
    peers.want(room, peer, NAME, () => this.render());
    this.#everyMinute(signal);
    this.render();
  }

  /** Another chat takes its place. */
  #end() {
    this.#own.stop();
    this.#options.peers.release(this.#options.room, NAME);
  }

  #receive(event) {
    if (event.type === "error" && event.ref === `typing:${this.#options.room}` && !event.retryable) this.#own.refused();
  }

  #listen(form) {
    const field = form?.elements.body;
    // Changing a sent message is not typing (docs/interface.md R3).
    const typed = () => form.dataset.mode !== "edit" && this.#own.typed(field.value);
    field?.addEventListener("input", typed);
    // Before this module was loaded.
    if (this.#options.chat.composer?.hasTyped) typed();
    field?.addEventListener("blur", () => this.#own.stop());
    form?.addEventListener("submit", () => this.#own.stop());
  }

  #everyMinute(signal) {
    if (signal.aborted) return;
    this.#showStatus();
    this.#options.clock.after(MINUTE_MS, () => this.#everyMinute(signal));
  }

  render() {
    const { root, keeper, peers, room } = this.#options;
    const { online, typing } = peers.get(room);
    this.#showStatus();
    setData(part(root, "avatar"), "online", online);
    const bubble = part(root, "typing");
    // Away from the end nothing moves and nothing is covered: the line under the name shows it.
    const isShown = typing && (!bubble.hidden || keeper.isAtEnd);
    if (bubble.hidden === isShown) keeper.keep(() => (bubble.hidden = !isShown));
  }

  #showStatus() {
    const { t, dates, peers, room, handle } = this.#options;
    const line = statusLine({ presence: peers.get(room), t, dates });
    setText(this.#status, line?.text ?? handle());
    setData(this.#status, "state", line?.state);
  }
}
