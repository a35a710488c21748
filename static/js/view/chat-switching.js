// Switching chats without a page load (docs/interface.md N2): only the part beside the list changes; visited chats
// are kept.

import { view } from "../lib/dom.js";
import { retryAfter } from "../lib/timing.js";
import { formatTimes } from "./local-time.js";
import { ChatPane, collectKeys, drawnAs, loadingPane, showFailed } from "./chat-pane.js";

const KEPT_AT_MOST = 6;
const SKELETON_AFTER_MS = 150;
/** Number of unread messages above which the server's page does not start at the end (conversations/views/pages.py). */
const MUCH = 40;
/** The list, and a chat; the other pages of the shell have their own scripts. */
const OURS = /^\/chats\/(?:[^/]+\/)?$/;

const isWide = () => matchMedia("(width >= 760px)").matches;
const roomOf = (path) => path.split("/")[2] || null;

/** The history entry that a dialog added for "back" (invite-dialog.js) is reused by the next page. */
function reserveHistoryEntry() {
  if (history.state?.open) history.replaceState({ isDialog: true }, "");
}

/** The dialog that asks to log in again stays. */
function closeDialogs() {
  for (const dialog of document.querySelectorAll('dialog[open]:not([data-view="signed-out"])')) dialog.close();
}

export class ChatSwitching {
  #options;
  #current;
  #kept = new Map();
  #request = 0;
  #listTop = 0;
  #endPause = () => {};

  /** `fetchPage(path)` (net/pages.js); `onBuilt(main, session)`: a page has come, with a conversation or null. */
  constructor(options) {
    const { shell, rows } = (this.#options = options);
    this.#current = new ChatPane(document, location.pathname, rows.title);
    this.#current.hold(shell.session, shell.page);
    this.#keep(this.#current);
    document.addEventListener("click", (event) => this.#onClick(event));
    addEventListener("popstate", () => this.go(location.pathname, { isReturn: true }));
  }

  /** Shows that page of the shell. `isReturn`: by the buttons back and forward, the address is there already. */
  async go(path, { isReturn = false } = {}) {
    const request = (this.#request += 1);
    this.#current.main.inert = this.#current.isFailed = false;
    this.#options.shell.chosen = roomOf(path);
    this.#options.rows.renderSoon();
    if (path === this.#current.path && this.#kept.has(path)) return isReturn || (closeDialogs(), this.#focus());
    reserveHistoryEntry();
    closeDialogs();
    const known = this.#usable(path);
    if (known) return this.#activate(known, { isReturn });
    // What is typed from now on is not meant for the chat being left. The browser itself removes the focus only with
    // the next frame.
    this.#current.main.inert = true;
    if (this.#current.main.contains(document.activeElement)) document.activeElement.blur();
    const wait = () => request === this.#request && this.#activate(this.#loading(path), { isReturn });
    const isListAlone = !roomOf(path) && !isWide();
    const callOff = this.#options.shell.clock.after(isListAlone ? 0 : SKELETON_AFTER_MS, wait);
    const endKeys = isReturn || !roomOf(path) ? () => {} : collectKeys(roomOf(path), this.#options.shell.drafts);
    for (let attempt = 0; request === this.#request; attempt += 1) {
      const page = await this.#options.fetchPage(path);
      endKeys();
      callOff();
      if (request !== this.#request) return;
      this.#current.main.inert = false;
      if (page === "elsewhere") return location.assign(path);
      if (page.data) return this.#activate(this.#build(page, path), { isReturn });
      // A page that is out of date is better than none.
      if (this.#kept.has(path)) return this.#activate(this.#kept.get(path), { isReturn })?.chat.readDraft();
      if (attempt === 0) wait();
      this.#setFailed(true);
      await new Promise((done) => this.#options.shell.clock.after(retryAfter(page, attempt), (this.#endPause = done)));
    }
  }

  /** A failed page is retried by timer, on reconnect, and by a press. */
  #retry() {
    this.#setFailed(false);
    this.#endPause();
  }

  connected = ({ name }) => name === "live" && this.#current.isFailed && this.#retry();

  /** A chat that was closed or opened again while it is on the screen is drawn again. */
  changed(room) {
    const { shell } = this.#options;
    const { session, path, canWrite } = this.#current;
    const row = shell.list.get(room);
    if (!row || session?.room !== room || row.can_write === canWrite || shell.chosen !== room) return;
    shell.keepAll();
    this.#kept.delete(path);
    this.go(path, { isReturn: true });
  }

  /** `rename(title)` -> title: its peer has another name. */
  renamed(room, rename) {
    for (const pane of this.#kept.values()) {
      if (pane.session?.room !== room) continue;
      pane.title = rename(pane.title);
      // Other pages are fetched again when they are chosen.
      if (pane !== this.#current) continue;
      pane.drawn = drawnAs(this.#options.shell.list.get(room));
      this.#options.rows.title = pane.title;
    }
  }

  #onClick(event) {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
      return;
    if (event.target.closest('[data-action="load-again"]')) return this.#retry();
    // An empty address means: reload this page.
    const link = event.target.closest('a[href]:not([href=""])');
    if (
      !link ||
      link.target ||
      link.origin !== location.origin ||
      link.search ||
      link.hash ||
      !OURS.test(link.pathname)
    )
      return;
    event.preventDefault();
    if (link.dataset.action === "back" && history.state?.from === link.pathname) history.back();
    else this.go(link.pathname);
  }

  /**
   * The kept page, if it is still what the server would draw. With many unread messages the server's page starts at the
   * first of them.
   */
  #usable(path) {
    const { list, socket } = this.#options.shell;
    const pane = this.#kept.get(path);
    const row = pane?.session && list.get(pane.session.room);
    const isFine = !row || (row.unread <= MUCH && drawnAs(row) === pane.drawn);
    return isFine || socket.connection.name !== "live" ? pane : null;
  }

  #build({ page, data }, path) {
    const { shell, onBuilt } = this.#options;
    const pane = new ChatPane(page, path);
    formatTimes(pane.main, shell.dates);
    shell.page.unwritten?.push(...(data.unwritten ?? []));
    if (data.room) pane.hold(shell.openChat(pane.main, data), data);
    onBuilt(pane.main, pane.session);
    this.#keep(pane);
    return pane;
  }

  /** The page shown longest ago is dropped first. */
  #keep(pane) {
    const { shell } = this.#options;
    this.#kept.delete(pane.path);
    this.#kept.set(pane.path, pane);
    const left = [...this.#kept.values()].find((other) => other.session && other !== this.#current);
    if (this.#kept.size <= KEPT_AT_MOST || !left) return;
    shell.handlers.closeTimeline(left.session.room);
    shell.chats.delete(left.session.room);
    this.#kept.delete(left.path);
  }

  /** Shown while the page loads: the name from the list. The last part of a title is the name of the site. */
  #loading(path) {
    const { list, drafts } = this.#options.shell;
    const room = roomOf(path);
    const name = list.get(room)?.peer.name ?? "";
    const title = [name, ...this.#current.title.split(" · ").slice(1).slice(-1)].filter(Boolean).join(" · ");
    return loadingPane({ path, room, title, name, drafts });
  }

  #setFailed(isFailed) {
    this.#current.isFailed = isFailed;
    const text = showFailed(this.#current.main, isFailed);
    if (isFailed && this.#current.main.checkVisibility()) this.#options.shell.announcer.status(text);
  }

  #activate(pane, { isReturn }) {
    const from = this.#current;
    if (!isReturn && location.pathname + location.search !== pane.path) {
      const put = history.state?.isDialog ? "replaceState" : "pushState";
      history[put]({ from: location.pathname }, "", pane.path);
    }
    // Keep the focus in the message box only if the user typed there for this same chat: going back from a chat
    // that is still loading focuses the heading, like any other way back.
    const isTyped = from.path === pane.path && from.box && from.box === document.activeElement;
    this.#show(pane);
    if (isTyped && pane.session?.chat.composer) pane.session.chat.composer.focus();
    else this.#focus({ isReturn, from: roomOf(from.path) });
    return pane.session;
  }

  #show(pane) {
    const { shell, rows } = this.#options;
    const list = view("rows")?.parentElement;
    if (list?.checkVisibility()) this.#listTop = list.scrollTop;
    shell.session?.hide();
    // Live messages of the previous chat are removed.
    document.getElementById("say-messages").replaceChildren();
    pane.main.inert = false;
    for (const element of pane.parts)
      document.querySelector(`[data-swap="${element.dataset.swap}"]`).replaceWith(element);
    view("shell").dataset.pane = pane.shows;
    if (list) list.scrollTop = this.#listTop;
    this.#current = pane;
    if (this.#kept.has(pane.path)) this.#keep(pane);
    rows.title = pane.title;
    shell.showChat(pane.session);
  }

  /** Where the focus goes after a switch (docs/interface.md N2). */
  #focus({ isReturn = false, from = null } = {}) {
    const { main, session, shows, box } = this.#current;
    const rows = view("rows");
    const row = rows?.querySelector(`[data-room="${CSS.escape(from)}"] a`) ?? rows?.querySelector("a");
    if (shows === "list" && !isWide()) return from && row?.focus();
    if (!isReturn && !isWide()) return main.querySelector('[data-action="back"]')?.focus();
    const canType = !isReturn && session?.chat.composer && matchMedia("(hover: hover)").matches;
    if (canType) return session.chat.composer.focus();
    if (box && !isReturn && matchMedia("(hover: hover)").matches)
      return (box.focus(), box.setSelectionRange(box.value.length, box.value.length));
    const title = main.querySelector("h1");
    if (title) Object.assign(title, { tabIndex: -1 }).focus({ preventScroll: true });
  }
}
