// What every page of a logged-in user runs: one socket, the state of all chats, and the messages of the other tabs.

import { csrfToken, pageData, userPageData } from "../lib/dom.js";
import { dates as datesOf } from "../lib/dates.js";
import { Emitter } from "../lib/emitter.js";
import { safely } from "../lib/errors.js";
import { languageOfPage, translator } from "../lib/text.js";
import { loadWhenIdle, systemClock as clock } from "../lib/timing.js";
import { Socket } from "../net/socket.js";
import { browserStorage, pageOfTab, Store, wipeOthers } from "../net/store.js";
import { Tabs } from "../net/tabs.js";
import { newId, ping } from "../protocol/commands.js";
import { Decoder } from "../protocol/events.js";
import { Drafts } from "../state/drafts.js";
import { EventHandlers } from "../state/event-handlers.js";
import { ConversationList } from "../state/conversation-list.js";
import { Outbox } from "../state/outbox.js";
import { Receipts } from "../state/receipts.js";
import { Announcer } from "../view/announcer.js";
import { drawBodiesWith } from "../view/bodies.js";
import { formatTimes, watchDayChange } from "../view/local-time.js";
import { receiveTabMessage } from "./tab-messages.js";

const loadSessionEnd = () => import("./session-end.js");

export class Shell {
  /** For the parts that load later; tests/js/source-rules.test.js lists the events. */
  events = new Emitter();
  clock = clock;
  announcer;
  /** Every ChatSession that this tab keeps, by room, and the one on the screen, or null. */
  chats = new Map();
  session = null;
  /** The room on the screen, and the one chosen last, which may still be loading; or null. */
  room;
  chosen;
  /** Milliseconds by which the server's clock is ahead of the device's. */
  #serverAhead = 0;
  #maxBodyChars;
  #isLoggedOut = false;
  #endedBecause = null;
  #canDetectWipe;

  /** `page` is the data of the page; `openChat(shell, root, page)` returns a ChatSession, on pages that show chats. */
  constructor({ page = document.getElementById("page-data") ? pageData() : userPageData(), openChat = null } = {}) {
    // It may be a button whose module has not loaded yet (pages/lazy.js).
    addEventListener("click", ({ target }) => (this.clicked = target), true);
    this.page = page;
    this.openChat = openChat && ((root, data) => openChat(this, root, data));
    this.room = page.room ?? null;
    // The page of a chat's files belongs to its chat.
    this.chosen = this.room ?? page.files_of ?? null;
    this.me = page.user.id;
    // An account page connects, but shows and sends no messages.
    this.hasChats = page.page !== "account";
    this.t = translator(page.strings, document.documentElement.lang);
    const hours = () => document.documentElement.dataset.hours;
    this.dates = datesOf({ language: languageOfPage(), hours, t: this.t, now: this.now });
    this.announcer = new Announcer({ t: this.t, now: clock.now });
    this.list = new ConversationList({ me: this.me });
    this.#loadLazyParts();
    this.#createStores();
    this.#createState();
    this.#createSocket();
  }

  /** The server's time, once it is known: ages do not depend on the device's clock. */
  now = () => clock.now() + this.#serverAhead;

  /** Resolves to [module, Api]: loaded when the page is idle. */
  loadWithApi = (load) => Promise.all([loadWhenIdle(load), this.apiLoaded]);

  get chat() {
    return this.session?.chat ?? null;
  }

  get isWiped() {
    return this.#canDetectWipe && !this.store.get("here");
  }

  #loadLazyParts() {
    const onOther = () => (this.socket.wake("other-account"), this.ended("other-account"));
    this.apiLoaded = loadWhenIdle(() => import("../net/api.js")).then(
      ({ Api }) => new Api({ fetch: (...call) => fetch(...call), csrf: csrfToken, me: this.me, onOther }),
    );
    loadWhenIdle(() => import("../view/body-view.js")).then(drawBodiesWith);
    this.lazyParts = this.loadWithApi(() => import("./lazy.js")).then(([{ startLazyParts }, api]) =>
      startLazyParts(this, api),
    );
  }

  #createStores() {
    wipeOthers(this.me);
    this.store = new Store({ storage: browserStorage(), user: this.me });
    // By this key the log-out page, which knows no account, finds the other tabs.
    this.#canDetectWipe = this.store.set("here", true);
    this.tabs = new Tabs({ user: this.me, onMessage: (kind, data) => receiveTabMessage(this, kind, data) });
    const onSaved = (room, draft, was) => {
      this.tabs.broadcast("draft", { room, draft, was });
      this.events.emit("draft", { room, draft });
      this.chats.get(room)?.chat.render();
    };
    this.drafts = new Drafts({ store: this.store, clock, ...pageOfTab(newId()), onSaved });
  }

  #createState() {
    const { list, me, now, tabs, store } = this;
    const sendOnSocket = (command) => this.socket.send(command);
    const send = (command) => sendOnSocket(command) || this.events.emit("http-command", command);
    const receipts = (this.receipts = new Receipts({ clock, send }));
    const outbox = (this.outbox = new Outbox({
      ...{ store, clock, newId },
      // A suspect connection may lose the command. HTTP answers, or reports that there is no network.
      send: (command) => this.socket.connection.name !== "suspect" && sendOnSocket(command),
      post: (entry) => this.#post(entry),
      exclusive: (run) => tabs.exclusive(run),
      isWiped: () => this.isWiped,
      onChange: (room) => this.#changed(room),
      onStored: () => tabs.broadcast("outbox"),
    }));
    const refresh = (run) => this.lazyParts.then((parts) => run(parts.refresh));
    const on = {
      changed: (room) => this.#changed(room),
      arrived: (room, message) => this.#arrived(room, message),
      caughtUp: () => this.socket.caughtUp(),
      // An account page may hold a form that a reload would empty.
      restored: () => this.hasChats && location.reload(),
    };
    this.handlers = new EventHandlers({ me, list, outbox, receipts, clock, now, send, refresh, on });
  }

  #createSocket() {
    this.socket = new Socket({
      url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/`,
      WebSocket: globalThis.WebSocket,
      ...{ clock, me: this.me, decoder: new Decoder() },
      ask: async () => (await this.apiLoaded).whyRefused(this.room),
      isVisible: () => !document.hidden,
      onEvent: (event) => this.#receive(event),
      onState: (connection) => this.#connectionChanged(connection),
    });
  }

  start() {
    const { conversations, unread_total: total } = this.page;
    if (conversations) this.handlers.applyRows(conversations, { isWhole: true, total });
    this.formatTimes();
    watchDayChange({ dates: this.dates, clock, onDay: () => this.formatTimes() });
    addEventListener("pagehide", () => this.keepAll());
    // After a log-out the back button may restore a page with everything that was on it.
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.isWiped && this.loggedOut());
    this.socket.start();
    // Without WebSocket there is no handshake to be refused: HTTP is known to be the only way.
    if (!globalThis.WebSocket) this.#connectionChanged(Object.assign(this.socket.connection, { isReachable: true }));
  }

  /** This conversation is on the screen now, or with null none. It is not painted yet. */
  showChat(session) {
    Object.assign(this, { session, room: session?.room ?? null });
    session?.show();
    this.chat?.composer?.setLimit(this.#maxBodyChars);
    this.events.emit("shown");
    this.events.emit("redraw");
  }

  /** Formats all times again: another day, time zone or hour format. */
  formatTimes = () => {
    formatTimes(document, this.dates);
    this.events.emit("redraw");
    this.chat?.render();
  };

  /** Stores what this page holds: it may be closed at any moment. */
  keepAll = () => {
    this.session?.events.emit("keep-position");
    for (const { chat } of this.chats.values()) chat.keepDraft();
    this.drafts.flush();
    this.receipts.flush();
  };

  /** The session ended: "signed-out" or "other-account". */
  ended(reason) {
    // Shown once: a later refused request would open again the dialog that the user closed to copy their text.
    if (this.#isLoggedOut || this.#endedBecause === reason) return;
    this.#endedBecause = reason;
    this.keepAll();
    // Without the module the server's page tells it.
    const reload = () => location.reload();
    loadSessionEnd()
      .then(({ ended }) => ended[reason](this))
      .catch(reload);
  }

  #receive(event) {
    if (event.type === "connection_established") {
      this.#serverAhead = Date.parse(event.now) - clock.now() || 0;
      this.#maxBodyChars = event.limits?.body_chars;
      this.chat?.composer?.setLimit(this.#maxBodyChars);
      // Before the first heartbeat is due: otherwise a reload would look to the peer like leaving.
      this.socket.send(ping(!document.hidden));
    }
    this.events.emit("frame", event);
    this.session?.events.emit("frame", event);
    safely(() => this.handlers.handle(event));
  }

  #connectionChanged(connection) {
    const { name, isUp, isReachable } = connection;
    if (connection.establishedAt === null) this.handlers.connectionLost();
    this.outbox.setLive((isUp || isReachable) && this.hasChats);
    this.events.emit("reachability", isReachable);
    this.receipts.setLive(isUp || isReachable);
    this.events.emit("connection", connection);
    this.chat?.render();
    if (name === "signed-out" || name === "other-account") this.ended(name);
  }

  #changed(room) {
    this.events.emit("redraw");
    if (room === this.room) this.chat?.render();
    safely(() => this.chats.get(room)?.changed());
    this.events.emit("change", room);
  }

  #arrived(room, message) {
    const name = this.list.get(room)?.peer.name ?? "";
    this.events.emit("arrival", { room, message });
    if (room !== this.room) return this.announcer.otherChat(room, name);
    this.announcer.message(name, message);
    this.chat?.arrived(message);
  }

  async #post(entry) {
    const answer = await (await this.apiLoaded).sendEntry(entry);
    if (answer.message) this.handlers.receivePosted(entry.room, answer.message);
    return answer;
  }

  /** The user logged out in another tab: the page is emptied at once. */
  loggedOut() {
    this.#isLoggedOut = true;
    this.store.end();
    document.body.hidden = true;
    const leave = ([{ loggedOut }, api]) => loggedOut({ api, clock });
    Promise.all([loadSessionEnd(), this.apiLoaded]).then(leave, () => location.replace("/"));
  }
}
