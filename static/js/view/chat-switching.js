// Choosing a chat replaces what stands beside the list and nothing else (ui-spec N2): the socket stays, the list stays, and a chat seen before is there at once.

import { part, view } from "../lib/dom.js";
import { retryAfter } from "../lib/timing.js";
import { sayTimes } from "./local-time.js";
import { drawnAs, Pane } from "./chat-pane.js";
import { keepKeys, showFailed, waitingPane } from "./loading-chat.js";

const KEPT_AT_MOST = 6;
const SKELETON_AFTER_MS = 150;
/** Unread messages above which the server's page does not begin at the end (conversations/views/pages.py). */
const MUCH = 40;
/** The list, and a chat; the other pages beside the list have scripts of their own. */
const OURS = /^\/chats\/(?:[^/]+\/)?$/;

const isWide = () => matchMedia("(width >= 760px)").matches;
const roomOf = (path) => path.split("/")[2] || null;

/** What a dialog put into the history for "back" (invite-dialog.js) becomes the place of what comes. */
function makeRoom() {
  if (history.state?.open) history.replaceState({ isDialog: true }, "");
}

/** The one that asks to log in again stays. */
function closeDialogs() {
  for (const dialog of document.querySelectorAll('dialog[open]:not([data-view="signed-out"])')) dialog.close();
}

export class Panes {
  #with;
  #current;
  #kept = new Map();
  #turn = 0;
  #listTop = 0;
  #wake = () => {};

  /** The room that was chosen last, on the screen already or still on its way; null for none. */
  chosen;

  /** `fetchPage(path)` (net/pages.js); `onMade(main, open)`: a page has come, with a conversation or null. */
  constructor({ shell, fetchPage, onMade }) {
    this.#with = { shell, fetchPage, onMade };
    this.chosen = shell.room;
    this.#current = new Pane(document, location.pathname, shell.rows.title);
    this.#current.holds(shell.open, shell.page);
    this.#keep(this.#current);
    document.addEventListener("click", (event) => this.#press(event));
    addEventListener("popstate", () => this.go(location.pathname, { isReturn: true }));
  }

  /** Brings that page of the shell to the screen. `isReturn`: by the buttons back and forward, the address is there already. */
  async go(path, { isReturn = false } = {}) {
    const turn = (this.#turn += 1);
    this.#current.main.inert = this.#current.isFailed = false;
    this.chosen = roomOf(path);
    this.#with.shell.rows.renderSoon();
    if (path === this.#current.path && this.#kept.has(path)) return isReturn || (closeDialogs(), this.#focus());
    makeRoom();
    closeDialogs();
    const known = this.#fresh(path);
    if (known) return this.#arrive(known, { isReturn });
    // What is typed from now on is not meant for the chat that is about to leave. Of itself the browser takes the focus away only with the next frame.
    this.#current.main.inert = true;
    if (this.#current.main.contains(document.activeElement)) document.activeElement.blur();
    const wait = () => turn === this.#turn && this.#arrive(this.#waiting(path), { isReturn });
    const isListAlone = !roomOf(path) && !isWide();
    const callOff = this.#with.shell.clock.after(isListAlone ? 0 : SKELETON_AFTER_MS, wait);
    const endKeys = isReturn || !roomOf(path) ? () => {} : keepKeys(roomOf(path), this.#with.shell.drafts);
    for (let attempt = 0; turn === this.#turn; attempt += 1) {
      const page = await this.#with.fetchPage(path);
      endKeys();
      callOff();
      if (turn !== this.#turn) return;
      this.#current.main.inert = false;
      if (page === "elsewhere") return location.assign(path);
      if (page.data) return this.#arrive(this.#made(page, path), { isReturn });
      // An old name over the messages is better than none of them.
      if (this.#kept.has(path)) return this.#arrive(this.#kept.get(path), { isReturn })?.chat.readDraft();
      if (attempt === 0) wait();
      this.#fails(true);
      await new Promise((done) => this.#with.shell.clock.after(retryAfter(page, attempt), (this.#wake = done)));
    }
  }

  /** What could not be loaded is tried again by itself, with the connection, and by a press. */
  #again() {
    this.#fails(false);
    this.#wake();
  }

  connected = ({ name }) => name === "live" && this.#current.isFailed && this.#again();

  /** A chat that was closed or opened again while it is on the screen is drawn again. */
  changed(room) {
    const { shell } = this.#with;
    const { open, path, canWrite } = this.#current;
    const row = shell.list.get(room);
    if (!row || open?.room !== room || row.can_write === canWrite || this.chosen !== room) return;
    shell.keepAll();
    this.#kept.delete(path);
    this.go(path, { isReturn: true });
  }

  /** `rename(title)` -> title: its peer has another name. */
  renamed(room, rename) {
    for (const pane of this.#kept.values()) {
      if (pane.open?.room !== room) continue;
      pane.title = rename(pane.title);
      // Another one is fetched anew when it is chosen.
      if (pane !== this.#current) continue;
      pane.drawn = drawnAs(this.#with.shell.list.get(room));
      this.#with.shell.rows.title = pane.title;
    }
  }

  #press(event) {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
      return;
    if (event.target.closest('[data-action="load-again"]')) return this.#again();
    // An empty address means: this page anew.
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

  /** What is kept, if it is still what the server would draw. Where much is new, the server knows the page that begins with it. */
  #fresh(path) {
    const { list, socket } = this.#with.shell;
    const pane = this.#kept.get(path);
    const row = pane?.open && list.get(pane.open.room);
    const isFine = !row || (row.unread <= MUCH && drawnAs(row) === pane.drawn);
    return isFine || socket.connection.name !== "live" ? pane : null;
  }

  #made({ page, data }, path) {
    const { shell, onMade } = this.#with;
    const pane = new Pane(page, path);
    sayTimes(pane.main, shell.dates);
    shell.page.unwritten?.push(...(data.unwritten ?? []));
    if (data.room) pane.holds(shell.openChat(pane.main, data), data);
    onMade(pane.main, pane.open);
    this.#keep(pane);
    return pane;
  }

  /** The one that was on the screen longest ago goes first. */
  #keep(pane) {
    const { shell } = this.#with;
    this.#kept.delete(pane.path);
    this.#kept.set(pane.path, pane);
    const left = [...this.#kept.values()].find((other) => other.open && other !== this.#current);
    if (this.#kept.size <= KEPT_AT_MOST || !left) return;
    shell.feed.closeRoom(left.open.room);
    shell.chats.delete(left.open.room);
    this.#kept.delete(left.path);
  }

  /** The name is known from the list; the rest is on its way. What stands behind the last of the dots in a title is the name of the site. */
  #waiting(path) {
    const { list, drafts } = this.#with.shell;
    const room = roomOf(path);
    const name = list.get(room)?.peer.name ?? "";
    const title = [name, ...this.#current.title.split(" · ").slice(1).slice(-1)].filter(Boolean).join(" · ");
    return waitingPane({ path, room, title, name, drafts });
  }

  #fails(isFailed) {
    this.#current.isFailed = isFailed;
    const text = showFailed(this.#current.main, isFailed);
    if (isFailed && this.#current.main.checkVisibility()) this.#with.shell.announcer.status(text);
  }

  #arrive(pane, { isReturn }) {
    const from = this.#current;
    if (!isReturn && location.pathname + location.search !== pane.path) {
      const put = history.state?.isDialog ? "replaceState" : "pushState";
      history[put]({ from: location.pathname }, "", pane.path);
    }
    // Keep the focus in the message box only if the user typed there for this same chat: going back from a chat
    // that is still loading focuses the heading, like any other way back.
    const isTyped = from.path === pane.path && from.box && from.box === document.activeElement;
    this.#show(pane);
    if (isTyped && pane.open?.chat.composer) pane.open.chat.composer.focus();
    else this.#focus({ isReturn, from: roomOf(from.path) });
    return pane.open;
  }

  #show(pane) {
    const { shell } = this.#with;
    const list = view("rows")?.parentElement;
    if (list?.checkVisibility()) this.#listTop = list.scrollTop;
    shell.open?.hide();
    // What was said aloud in the last chat is not of this one.
    document.getElementById("say-messages").replaceChildren();
    pane.main.inert = false;
    for (const element of pane.parts)
      document.querySelector(`[data-swap="${element.dataset.swap}"]`).replaceWith(element);
    view("shell").dataset.pane = pane.shows;
    if (list) list.scrollTop = this.#listTop;
    this.#current = pane;
    if (this.#kept.has(pane.path)) this.#keep(pane);
    shell.rows.title = pane.title;
    shell.shows(pane.open);
  }

  /** ui-spec 5.3. */
  #focus({ isReturn = false, from = null } = {}) {
    const { main, open, shows, box } = this.#current;
    const rows = view("rows");
    const row = rows?.querySelector(`[data-room="${CSS.escape(from)}"] a`) ?? rows?.querySelector("a");
    if (shows === "list" && !isWide()) return from && row?.focus();
    if (!isReturn && !isWide()) return main.querySelector('[data-action="back"]')?.focus();
    const canType = !isReturn && open?.chat.composer && matchMedia("(hover: hover)").matches;
    if (canType) return open.chat.composer.focus();
    if (box && !isReturn && matchMedia("(hover: hover)").matches)
      return (box.focus(), box.setSelectionRange(box.value.length, box.value.length));
    const title = main.querySelector("h1");
    if (title) Object.assign(title, { tabIndex: -1 }).focus({ preventScroll: true });
  }
}
