// What every page of a signed-in person runs: one socket, the list pane, the strip, and the word of the other tabs.

import { besideData, csrfToken, pageData } from "../lib/dom.js";
import { dates as datesOf } from "../lib/dates.js";
import { safely } from "../lib/errors.js";
import { languageOfPage, translator } from "../lib/text.js";
import { fetchedLater, systemClock as clock } from "../lib/timing.js";
import { Socket } from "../net/socket.js";
import { browserStorage, pageOfTab, Store, wipeOthers } from "../net/store.js";
import { Tabs } from "../net/tabs.js";
import { newId, ping } from "../protocol/commands.js";
import { Decoder } from "../protocol/events.js";
import { Drafts } from "../state/drafts.js";
import { Feed } from "../state/event-handlers.js";
import { ConversationList } from "../state/conversation-list.js";
import { Outbox } from "../state/outbox.js";
import { Receipts } from "../state/receipts.js";
import { Announcer } from "../view/announcer.js";
import { sayTimes, watchDays } from "../view/local-time.js";

const sessionEnd = () => import("./session-end.js");

export class Shell {
  page = document.getElementById("page-data") ? pageData() : besideData();
  clock = clock;
  t = translator(this.page.strings, document.documentElement.lang);
  #ahead = 0;
  /** The server's time, once it has told: how long ago something was does not depend on the clock of the device. */
  now = () => clock.now() + this.#ahead;
  dates = datesOf({ language: languageOfPage(), hours: () => document.documentElement.dataset.hours, t: this.t, now: this.now });
  me = this.page.user.id;
  list = new ConversationList({ me: this.me });
  /** The HTTP API (net/api.js), once it is loaded: nothing needs it while the socket works. `hasApi` is the promise of it. */
  api = null;
  hasApi = fetchedLater(() => import("../net/api.js")).then(({ Api }) => (this.api = new Api({ fetch: (...call) => fetch(...call), csrf: csrfToken, me: this.me, onOther: () => (this.socket.wake("other-account"), this.ended("other-account")) })));
  /** Fetched when there is time, and begun when the API is there. */
  late = (load) => Promise.all([fetchedLater(load), this.hasApi]).then(([found]) => found);
  /** What rest.js brings: the list and the number in the title, what peers do, the fetching of rows. `hasRest` is the promise of it. */
  rows = null;
  peers = null;
  refresh = null;
  /** Draws my own card anew (view/own-card.js), once it is loaded. */
  redrawOwn = null;
  /** What asks over HTTP while no socket opens (net/polling.js). */
  polling = null;
  hasRest = this.late(() => import("./lazy.js")).then(({ rest }) => rest(this));
  announcer = new Announcer({ t: this.t, now: clock.now });
  /** The conversation on the screen (pages/open-chat.js), and its room; null on the other pages. */
  open = null;
  room = this.page.room ?? null;
  /** `openChat(root, page)` -> OpenChat, on the pages where chats are chosen (pages/chats.js). */
  openChat = null;
  /** Every conversation that this tab holds (view/panes.js), by room. */
  chats = new Map();
  /** Switcher, shortcuts, notifications and the like (view/comforts.js), once they are loaded. */
  comforts = null;
  /** The connection strip, once it is loaded. */
  strip = null;
  /** The look-out for a new version (installed.js), once it is loaded. */
  installed = null;
  #isLoggedOut = false;
  #over = null;
  /** Characters of a message, once the server has told. */
  #longest;
  #keeps = false;

  constructor() {
    wipeOthers(this.me);
    const store = (this.store = new Store({ storage: browserStorage(), user: this.me }));
    // So that the page of logging out, which knows no account, finds the other tabs of this one.
    this.#keeps = store.set("here", true);
    const send = (command) => this.socket.send(command);
    this.tabs = new Tabs({ user: this.me, onNews: (kind, news) => this.#news(kind, news) });
    this.drafts = new Drafts({ store, clock, ...pageOfTab(newId()), onSaved: (room, draft, was) => (this.tabs.tell("draft", { room, draft, was }), this.chats.get(room)?.chat.render()) });
    const sendOrPost = (command) => send(command) || Boolean(this.polling?.take(command));
    this.receipts = new Receipts({ clock, send: sendOrPost });
    this.outbox = new Outbox({
      store, clock, newId,
      // A line in doubt would swallow it; the other door answers, or says that there is none.
      send: (command) => this.socket.connection.name !== "suspect" && send(command),
      post: (entry) => this.#post(entry),
      exclusive: (run) => this.tabs.exclusive(run),
      isWiped: () => this.#isWiped,
      onChange: (room) => this.#changed(room),
      onStored: () => this.tabs.tell("outbox"),
    });
    this.feed = new Feed({ ...this, send: sendOrPost, refresh: (run) => this.hasRest.then(() => run(this.refresh)), on: this.#events() });
    this.socket = this.#connect();
  }

  /** Messages and composer of the conversation on the screen (view/chat-view.js), or null. */
  get chat() {
    return this.open?.chat ?? null;
  }

  get #isWiped() {
    return this.#keeps && !this.store.get("here");
  }

  /** What its peer is doing. */
  get signs() {
    return this.open?.signs ?? null;
  }

  /** This conversation is on the screen now, or with null none. Not yet painted. */
  shows(open) {
    Object.assign(this, { open, room: open?.room ?? null });
    open?.show();
    this.chat?.composer?.setLimit(this.#longest);
    this.strip?.place();
    this.rows?.renderSoon();
  }

  start() {
    if (this.page.conversations) this.feed.learnRows(this.page.conversations, { isWhole: true, total: this.page.unread_total });
    this.sayTimes();
    watchDays({ dates: this.dates, clock, onDay: () => this.sayTimes() });
    addEventListener("pagehide", () => this.keepAll());
    // The back button may bring a page back as it was, with everything that was on it, after the log-out.
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.#isWiped && this.#loggedOut());
    this.socket.start();
    // Such a browser is never told why, and needs not ask: HTTP is what it has.
    if (!globalThis.WebSocket) this.#moved(Object.assign(this.socket.connection, { isReachable: true }));
  }

  /** All times again: another day, another zone, other hours. */
  sayTimes = () => {
    sayTimes(document, this.dates);
    this.rows?.renderSoon();
    this.chat?.render();
  };

  /** The page may go any moment. */
  keepAll = () => {
    this.open?.history?.keepPlace();
    for (const { chat } of this.chats.values()) chat.holdDraft();
    this.drafts.flush();
    this.receipts.flush();
  };

  #connect() {
    const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/`;
    const ask = async () => (await this.hasApi).whyRefused(this.room);
    const isVisible = () => !document.hidden;
    return new Socket({ url, WebSocket: globalThis.WebSocket, clock, decoder: new Decoder(), ask, me: this.me, isVisible, onEvent: (event) => this.#heard(event), onState: (state) => this.#moved(state) });
  }

  #heard(event) {
    if (event.type === "connection_established") {
      this.#ahead = Date.parse(event.now) - clock.now() || 0;
      this.#longest = event.limits?.body_chars;
      this.chat?.composer?.setLimit(this.#longest);
      this.installed?.look();
      // Not only with the first heartbeat: a reload would look like leaving.
      this.socket.send(ping(!document.hidden));
    }
    // Every greeting, too: it may have changed while there was no connection.
    if (["user.changed", "connection_established"].includes(event.type)) safely(() => this.redrawOwn?.([document, ...[...this.chats.values()].map(({ root }) => root)], event.user));
    for (const part of [this.peers, this.signs, this.feed]) safely(() => part?.handle(event));
  }

  #moved(connection) {
    const { isUp, isReachable } = connection;
    if (connection.greetedAt === null) this.feed.connectionLost();
    // Nothing goes out from a page that does not show it.
    this.outbox.setLive((isUp || isReachable) && this.page.page !== "beside");
    this.polling?.setOn(isReachable);
    this.receipts.setLive(isUp || isReachable);
    this.strip?.update(connection);
    this.peers?.connected(connection);
    this.comforts?.connected(connection);
    this.chat?.render();
    if (["signed-out", "other-account"].includes(connection.name)) this.ended(connection.name);
  }

  /** Elsewhere, by time, or because somebody else has logged in here; without what says so the server's page does. */
  ended(why) {
    // Said once: every request that is refused after it would open the dialog again, which somebody has closed to copy their text.
    if (this.#isLoggedOut || this.#over === why) return;
    this.#over = why;
    this.keepAll();
    sessionEnd().then(({ ended }) => ended[why](this)).catch(() => location.reload());
  }

  #events() {
    return {
      changed: (room) => this.#changed(room),
      arrived: (room, message) => this.#arrived(room, message),
      caughtUp: () => this.socket.caughtUp(),
      // A page beside the chats holds nothing of them, and perhaps a form.
      restored: () => this.page.page === "beside" || location.reload(),
    };
  }

  #changed(room) {
    this.rows?.renderSoon();
    if (room === this.room) this.chat?.render();
    safely(() => this.chats.get(room)?.changed());
    safely(() => this.comforts?.changed(room));
  }

  #arrived(room, message) {
    const name = this.list.get(room)?.peer.name ?? "";
    this.comforts?.arrived(room, message);
    if (room !== this.room) return this.announcer.otherChat(room, name);
    this.announcer.message(name, message.body);
    this.chat?.arrived(message);
  }

  async #post(entry) {
    const answer = await (await this.hasApi).sendMessage(entry);
    if (answer.message) this.feed.posted(entry.room, answer.message);
    return answer.message ? { accepted: true } : answer;
  }

  /** In another tab. The page is emptied at once. */
  #loggedOut() {
    this.#isLoggedOut = true;
    this.store.end();
    document.body.hidden = true;
    Promise.all([sessionEnd(), this.hasApi]).then(([{ loggedOut }]) => loggedOut(this), () => location.replace("/"));
  }

  #news(kind, { room, ...news }) {
    // This very page is leaving by its form, and the answer to that is the one that clears the browser.
    if (document.documentElement.dataset.leaving) return;
    // Taken away as a whole: not sent by another tab, but wiped by the page of another account.
    if (kind === "stored" && this.#isWiped) return this.hasApi.then((api) => api.whyRefused()).then((says) => says === "unknown" && this.store.set("here", true));
    if (kind === "outbox" || kind === "stored") this.outbox.reload();
    else if (kind === "log-out") this.#loggedOut();
    if (kind === "look") import("../view/appearance.js").then(({ follow }) => follow(news, this), () => {});
    if (kind === "draft") this.chats.get(room)?.chat.followDraft(news);
    if (kind === "stored") for (const { chat } of this.chats.values()) chat.followDraft();
    if (kind === "draft" || kind === "stored") this.rows?.renderSoon();
  }
}
