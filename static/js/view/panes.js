// Choosing a chat replaces what stands beside the list and nothing else (ui-spec N2): the socket stays, the list stays, and a chat seen before is there at once.

import { cloneTemplate, pageData, part, setText, view } from "../lib/dom.js";
import { sayTimes } from "./local-time.js";
import { drawnAs, Pane } from "./pane.js";

const KEPT_AT_MOST = 6;
const SKELETON_AFTER_MS = 150;
const PATIENCE_MS = 10_000;
/** Unread messages above which the server's page does not begin at the end (conversations/views/pages.py). */
const MUCH = 40;
/** The list, and a chat; the other pages beside the list have scripts of their own. */
const OURS = /^\/chats\/(?:[^/]+\/)?$/;

const isWide = () => matchMedia("(width >= 760px)").matches;
const release = (page) => page.querySelector('meta[name="release"]')?.content;
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

  /** The room that was chosen last, on the screen already or still on its way; null for none. */
  chosen;

  /** `onMade(main, open)`: a page has come, with a conversation or null; `onShow(room)`: it is about to be on the screen, or with null none. */
  constructor({ shell, onMade, onShow }) {
    this.#with = { shell, onMade, onShow };
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
    const page = await this.#fetch(path);
    callOff();
    if (turn !== this.#turn) return;
    this.#current.main.inert = false;
    if (page === "elsewhere") location.assign(path);
    else if (page) this.#arrive(this.#made(page, path), { isReturn });
    // An old name over the messages is better than none of them.
    else if (this.#kept.has(path)) this.#arrive(this.#kept.get(path), { isReturn });
    else (wait(), this.#fail());
  }

  /** What could not be loaded without a connection is tried again with it. */
  connected({ name }) {
    if (name === "live" && this.#current.isFailed) this.go(this.#current.path);
  }

  #press(event) {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (event.target.closest('[data-action="load-again"]')) return this.go(this.#current.path);
    // An empty address means: this page anew.
    const link = event.target.closest('a[href]:not([href=""])');
    if (!link || link.target || link.origin !== location.origin || link.search || link.hash || !OURS.test(link.pathname)) return;
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

  /** The page and its data; "elsewhere" when the address leads to something else (signed out, another account, gone, a newer release); null for now. */
  async #fetch(path) {
    try {
      const answer = await fetch(path, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout?.(PATIENCE_MS) });
      if (answer.status >= 500 || answer.status === 429) return null;
      if (!answer.ok || new URL(answer.url).pathname !== path) return "elsewhere";
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const data = pageData(page);
      return data.user?.id === this.#with.shell.me && release(page) === release(document) ? { page, data } : "elsewhere";
    } catch {
      return null;
    }
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

  /** The name is known from the list; the rest is on its way. */
  #waiting(path) {
    const main = cloneTemplate("waiting-chat");
    const name = this.#with.shell.list.get(roomOf(path))?.peer.name ?? "";
    setText(part(main, "name"), name);
    // What stands behind the last of these is the name of the site.
    const title = [name, ...this.#current.title.split(" · ").slice(1).slice(-1)].filter(Boolean).join(" · ");
    return Object.assign(new Pane(document, path), { title, shows: roomOf(path) ? "chat" : "list", parts: [main, cloneTemplate("waiting-skip")] });
  }

  #fail() {
    const { main } = this.#current;
    this.#current.isFailed = true;
    main.removeAttribute("aria-busy");
    part(main, "skeleton").hidden = true;
    part(main, "failed").hidden = false;
    if (main.checkVisibility()) this.#with.shell.announcer.status(part(main, "failed-text").textContent);
  }

  #arrive(pane, { isReturn }) {
    const from = this.#current;
    if (!isReturn && location.pathname + location.search !== pane.path) {
      const put = history.state?.isDialog ? "replaceState" : "pushState";
      history[put]({ from: location.pathname }, "", pane.path);
    }
    this.#show(pane);
    this.#focus({ isReturn, from: roomOf(from.path) });
  }

  #show(pane) {
    const { shell, onShow } = this.#with;
    const list = view("rows")?.parentElement;
    if (list?.checkVisibility()) this.#listTop = list.scrollTop;
    shell.open?.hide();
    // What was said aloud in the last chat is not of this one.
    document.getElementById("say-messages").replaceChildren();
    pane.main.inert = false;
    for (const element of pane.parts) document.querySelector(`[data-swap="${element.dataset.swap}"]`).replaceWith(element);
    view("shell").dataset.pane = pane.shows;
    if (list) list.scrollTop = this.#listTop;
    this.#current = pane;
    if (this.#kept.has(pane.path)) this.#keep(pane);
    shell.rows.title = pane.title;
    onShow(pane.open?.room ?? null);
    shell.shows(pane.open);
  }

  /** ui-spec 5.3. */
  #focus({ isReturn = false, from = null } = {}) {
    const { main, open, shows } = this.#current;
    const rows = view("rows");
    const row = rows?.querySelector(`[data-room="${CSS.escape(from)}"] a`) ?? rows?.querySelector("a");
    if (shows === "list" && !isWide()) return from && row?.focus();
    if (!isReturn && !isWide()) return main.querySelector('[data-action="back"]')?.focus();
    const canType = !isReturn && open?.chat.composer && matchMedia("(hover: hover)").matches;
    if (canType) return open.chat.composer.focus();
    const title = main.querySelector("h1");
    if (title) Object.assign(title, { tabIndex: -1 }).focus({ preventScroll: true });
  }
}
