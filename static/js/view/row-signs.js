// Who is online or typing in the other chats of the list, as far as the server tells (ui-spec C4): asked for the rows in view only.

import { roomClose, roomOpen } from "../protocol/commands.js";
import { PeerPresence } from "../state/presence.js";
import { PeerTyping } from "../state/typing.js";

/** The server takes 50 for one socket; one of them is the chat on the screen. */
const AT_MOST = 40;
const SETTLES_MS = 1_000;

export class RowSigns {
  #with;
  #rooms = new Map();
  #inView = new Set();
  #isUp = false;
  #isDue = false;
  #observer;

  /** `rows` is the list's element; `current()` -> the room whose signs others watch; `peerOf(room)` -> id; `onChange()`. */
  constructor({ rows, current, peerOf, send, clock, onChange }) {
    this.#with = { current, peerOf, send, clock, onChange };
    this.#observer = globalThis.IntersectionObserver && new IntersectionObserver((entries) => this.#seen(entries), { root: rows.parentElement, rootMargin: "40px" });
    // Without it the first ones count as seen.
    const watch = () => (this.#observer ? [...rows.children].forEach((row) => this.#observer.observe(row)) : this.#seen([...rows.children].slice(0, AT_MOST).map((target) => ({ target, isIntersecting: true }))));
    new MutationObserver(watch).observe(rows, { childList: true });
    watch();
  }

  get(room) {
    const signs = this.#rooms.get(room);
    return signs ? { online: signs.presence.online, typing: signs.typing.on } : null;
  }

  /** Another chat is on the screen: its own signs watch that room, and this one would close it behind their back. */
  moved(room) {
    if (this.#rooms.get(room)?.isOpen) this.#with.send(roomClose({ room }));
    this.#rooms.delete(room);
    this.#soon();
  }

  connected({ name, greetedAt }) {
    if (greetedAt === null) this.#isUp = false;
    else if (name === "live" && !this.#isUp) {
      this.#isUp = true;
      for (const signs of this.#rooms.values()) signs.isOpen = false;
      this.#soon();
    }
  }

  handle(event) {
    if (event.type === "typing") this.#rooms.get(event.room)?.typing.heard(event);
    else if (event.type === "message.created") this.#rooms.get(event.room)?.typing.ended();
    else if (event.type === "presence") for (const signs of this.#rooms.values()) if (signs.peer === event.user) signs.presence.heard(event);
  }

  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && target.isConnected) this.#inView.add(target.dataset.room);
      else this.#inView.delete(target.dataset.room);
    }
    this.#soon();
  }

  /** Somebody who scrolls by, or opens one chat after another, asks for nothing. */
  #soon() {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#with.clock.after(SETTLES_MS, () => this.#settle());
  }

  #settle() {
    this.#isDue = false;
    const { current, peerOf, send, clock, onChange } = this.#with;
    if (!this.#isUp) return;
    const wanted = [...this.#inView].filter((room) => room !== current() && peerOf(room)).slice(0, AT_MOST);
    for (const [room, { isOpen }] of this.#rooms) {
      if (wanted.includes(room)) continue;
      if (isOpen) send(roomClose({ room }));
      this.#rooms.delete(room);
    }
    for (const room of wanted) {
      if (!this.#rooms.has(room)) this.#rooms.set(room, { peer: peerOf(room), presence: new PeerPresence({ clock, onChange }), typing: new PeerTyping({ clock, onChange }), isOpen: false });
      const signs = this.#rooms.get(room);
      if (!signs.isOpen) signs.isOpen = send(roomOpen({ room }));
    }
  }
}
