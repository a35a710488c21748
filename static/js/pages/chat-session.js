// One conversation of a tab: its part of the page, its messages, and everything that lives on them. Stays whole while another chat is on the screen.

import { fetchedLater } from "../lib/timing.js";
import { Timeline } from "../state/timeline.js";
import { ChatView } from "../view/chat-view.js";
import { keptPlace } from "../view/scroll-keeper.js";

export class OpenChat {
  /** ui-spec 3.6; each loaded when idle, null until then. */
  signs = null;
  history = null;
  #shell;
  #watch = null;
  #marker = null;
  /** Whom the pane shows, and what draws them again. */
  #peer;
  #peerView = null;
  /** Ends with this showing: what listens to the window stops. Null while another chat is on the screen. `place` until somebody writes here. */
  #shown = null;
  /** What the address points at: once. */
  #place;
  #wasShown = false;

  /** `root` is the pane, `page` the data that came with it (conversations/views/pages.py). */
  constructor({ root, page, shell }) {
    const { room, conversation } = page;
    const { t, clock, list, outbox, feed } = shell;
    const timeline = new Timeline();
    timeline.load(page.messages, page.version, { complete: !page.has_older });
    if (page.window) timeline.replace(page.window, { complete: !page.window_has_older });
    feed.learnRows([conversation]);
    feed.openRoom({ room, timeline, mark: conversation.mark });
    Object.assign(this, { root, room, timeline });
    shell.chats.set(room, this);
    this.#shell = shell;
    // The parts may come late; whoever writes by then is not to be led away from it.
    for (const type of ["input", "submit"])
      root.addEventListener(type, () => this.#shown && (this.#shown.place = null));
    this.#place = page.opens_at && { seq: page.opens_at };

    const toasts = fetchedLater(() => import("../view/toast.js"));
    const undo = async (entry) =>
      (await toasts).toast(t("Message deleted"), {
        clock,
        button: { label: t("Undo"), onPress: () => outbox.restore(entry) },
      });
    const chat = (this.chat = new ChatView({
      ...shell,
      room,
      root,
      timeline,
      peerName: () => list.get(room).peer.name,
      on: {
        seen: (seq) => this.#marker?.shows(seq),
        read: () => this.#read,
        undo,
        failed: () => shell.announcer.alert(t("Not sent.")),
        isAway: () => shell.socket.connection.name !== "live",
      },
    }));
    const tools = {
      ...shell,
      room,
      root,
      timeline,
      chat,
      keeper: chat.keeper,
      say: (text) => shell.announcer.status(text),
      send: (command) => shell.socket.send(command),
    };
    shell
      .late(() =>
        Promise.all([
          import("../net/history.js"),
          import("../view/history-view.js"),
          import("../view/unsent-notice.js"),
        ]),
      )
      .then(([{ History }, { HistoryView }, { UnsentView }]) => {
        chat.unsent = new UnsentView(tools);
        chat.history = this.history = new HistoryView({ ...tools, history: new History({ api: shell.api, room }) });
        if (this.#shown) this.#begin(this.history);
        chat.render();
      });
    fetchedLater(() => import("../view/reader.js")).then(({ watchReader }) => {
      this.#watch = watchReader;
      if (this.#shown) this.#begins();
      chat.render();
    });
    this.#peer = conversation.peer;
    fetchedLater(() => import("../view/peer-view.js")).then((found) => {
      this.#peerView = found;
      this.changed();
    });
    Promise.all([fetchedLater(() => import("../view/presence-view.js")), shell.hasRest]).then(([{ SignsView }]) => {
      const { peer } = conversation;
      this.signs = new SignsView({
        ...tools,
        peer: peer.id,
        handle: () => `@${list.get(room).peer.username}`,
        peers: shell.peers,
        showsTyping: page.shows_typing,
      });
      if (this.#shown) this.#begin(this.signs);
    });
  }

  /** The row has changed: another name, username or picture? */
  changed() {
    const { list, comforts } = this.#shell;
    const before = this.#peer;
    const { peer } = list.get(this.room);
    if (!this.#peerView || this.#peerView.isSamePeer(before, peer)) return;
    this.#peer = peer;
    this.#peerView.redrawPeer(this.root, before, peer);
    comforts?.renamed(this.room, (title) => this.#peerView.retitled(title, before, peer));
    this.signs?.render();
  }

  /** How many of their messages are read, by what this device saw and by what the server knows. */
  get #read() {
    const { list, me } = this.#shell;
    const seen = this.timeline.messages.findLast(
      (message) => message.seq <= (this.#marker?.read ?? 0) && message.sender !== me && message.ordinal,
    );
    return Math.max(seen?.ordinal ?? 0, list.get(this.room).read_count ?? 0);
  }

  /** It stands on the page, not yet painted. */
  show() {
    const { list } = this.#shell;
    const { unread, read_count: seen } = list.get(this.room);
    const place = this.#place ?? keptPlace(this.room, this.timeline.newest?.seq);
    if (this.#wasShown && !place) this.timeline.toEnd();
    this.#wasShown = true;
    this.#place = null;
    this.#shown = Object.assign(new AbortController(), { seen, place });
    if (this.#watch) this.#begins();
    this.chat.begin({ dividerFrom: unread ? seen : null, place, signal: this.#shown.signal });
    this.#begin(this.history);
    this.#begin(this.signs);
  }

  /** Another chat takes its place. */
  hide() {
    this.history?.keepPlace();
    this.signs?.end();
    this.#shell.receipts.flush();
    this.#shown.abort();
    this.#shown = this.#marker = null;
  }

  #begins() {
    this.#marker = this.#watch(this.room, { ...this.#shell, signal: this.#shown.signal });
  }

  #begin(what) {
    const { seen, place, signal } = this.#shown;
    what?.begin({ seen, place, signal });
  }
}
