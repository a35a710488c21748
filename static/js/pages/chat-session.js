// One conversation of a tab: its part of the page, its messages and their views. It stays while another chat is shown.

import { Emitter } from "../lib/emitter.js";
import { loadWhenIdle } from "../lib/timing.js";
import { Timeline } from "../state/timeline.js";
import { ChatView } from "../view/chat-view.js";
import { bodiesLoaded } from "../view/bodies.js";
import { keptPlace } from "../view/scroll-keeper.js";

export class ChatSession {
  /** For the parts of this chat that load later. */
  events = new Emitter();
  #shell;
  #peer;
  /** {seen, position, signal} while the chat is on the screen, else null. `position` only until the user types here. */
  #shown = null;
  #wasShown = false;
  /** The position that the address asks for: used once. */
  #requestedPosition;
  /** Starts a ReadMarker (view/reader.js), and the one of this showing. */
  #watchReader = null;
  #readMarker = null;

  /** `root` is the chat's part of the page, `page` the data that came with it (conversations/views/pages.py). */
  constructor({ root, page, shell }) {
    const { room, conversation } = page;
    const { t, handlers, list, socket, announcer } = shell;
    const timeline = new Timeline();
    timeline.load(page.messages, page.version, { complete: !page.has_older });
    if (page.window) timeline.replace(page.window, { complete: !page.window_has_older });
    handlers.applyRows([conversation]);
    handlers.openTimeline({ room, timeline, mark: conversation.mark });
    Object.assign(this, { root, room, timeline });
    shell.chats.set(room, this);
    this.#shell = shell;
    this.#peer = conversation.peer;
    this.#requestedPosition = page.opens_at && { seq: page.opens_at };
    // The history may load late. A user who types by then is not scrolled away.
    for (const type of ["input", "submit"])
      root.addEventListener(type, () => this.#shown && (this.#shown.position = null));
    const on = {
      seen: (seq) => this.#readMarker?.shows(seq),
      read: () => this.#readCount,
      failed: () => announcer.alert(t("Not sent.")),
      isOffline: () => socket.connection.name !== "live",
    };
    // Each view takes from it what its constructor names.
    const tools = { ...shell, ...this, on, peerName: () => list.get(room).peer.name };
    this.chat = new ChatView(tools);
    const { chat } = this;
    Object.assign(tools, { chat, keeper: chat.keeper, announce: (text) => announcer.status(text) });
    this.#loadParts(tools, { ...tools, peer: conversation.peer.id, sharesTyping: page.shows_typing });
  }

  #loadParts(tools, presenceTools) {
    const { room, events, chat } = this;
    const { list, socket, lazyParts, loadWithApi } = this.#shell;
    const begin = (view) => this.#shown && view.begin(this.#shown);
    bodiesLoaded.then(() => chat.render());
    const loadHistory = () =>
      Promise.all([import("../net/history.js"), import("../view/history-view.js"), import("../view/unsent-notice.js")]);
    loadWithApi(loadHistory).then(([[{ History }, { HistoryView }, { UnsentNotice }], api]) => {
      new UnsentNotice(tools);
      begin(new HistoryView({ ...tools, history: new History({ api, room }) }));
      chat.render();
    });
    loadWhenIdle(() => import("../view/reader.js")).then(({ watchReader }) => {
      this.#watchReader = watchReader;
      if (this.#shown) this.#startReader();
      chat.render();
    });
    loadWhenIdle(() => import("../view/peer-view.js")).then(({ isSamePeer, redrawPeer, retitled }) => {
      events.on("peer", ({ before, peer }) => {
        redrawPeer(this.root, before, peer);
        this.#shell.events.emit("peer-renamed", { room, rename: (title) => retitled(title, before, peer) });
      });
      this.#isSamePeer = isSamePeer;
      this.changed();
    });
    Promise.all([loadWhenIdle(() => import("../view/presence-view.js")), lazyParts]).then(
      ([{ PresenceView }, { peers }]) => {
        const handle = () => `@${list.get(room).peer.username}`;
        begin(new PresenceView({ ...presenceTools, peers, handle, send: (command) => socket.send(command) }));
      },
    );
  }

  /** Until its module is loaded no change can be drawn, so none is noticed. */
  #isSamePeer = () => true;

  /** The row of the list has changed: does the peer have another name, username or picture? */
  changed() {
    const before = this.#peer;
    const { peer } = this.#shell.list.get(this.room);
    if (this.#isSamePeer(before, peer)) return;
    this.#peer = peer;
    this.events.emit("peer", { before, peer });
  }

  /** How many messages of the peer are read, by what this device saw and by what the server knows. */
  get #readCount() {
    const { list, me } = this.#shell;
    const readHere = this.#readMarker?.read ?? 0;
    const isSeen = ({ seq, sender, ordinal }) => seq <= readHere && sender !== me && ordinal;
    return Math.max(this.timeline.messages.findLast(isSeen)?.ordinal ?? 0, list.get(this.room).read_count ?? 0);
  }

  /** The chat is part of the page again, but not painted yet. */
  show() {
    const { unread, read_count: seen } = this.#shell.list.get(this.room);
    const position = this.#requestedPosition ?? keptPlace(this.room, this.timeline.newest?.seq);
    if (this.#wasShown && !position) this.timeline.toEnd();
    this.#wasShown = true;
    this.#requestedPosition = null;
    const { signal } = (this.#shown = Object.assign(new AbortController(), { seen, position }));
    if (this.#watchReader) this.#startReader();
    this.chat.begin({ dividerFrom: unread ? seen : null, position, signal });
    this.events.emit("begin", this.#shown);
  }

  /** Another chat takes its place. */
  hide() {
    this.events.emit("keep-position");
    this.events.emit("end");
    this.#shell.receipts.flush();
    this.#shown.abort();
    this.#shown = this.#readMarker = null;
  }

  #startReader() {
    this.#readMarker = this.#watchReader(this.room, { ...this.#shell, signal: this.#shown.signal });
  }
}
