// Who is online or typing in the other chats of the list, as far as the server tells (ui-spec C4): asked for the rows in view only.

/** The server takes 50 for one socket; one of them is the chat on the screen, and a few are on their way from one to the other. */
const AT_MOST = 40;
const SETTLES_MS = 1_000;
const NAME = "row";

export class ListPresence {
  #options;
  #wanted = [];
  #inView = new Set();
  #isDue = false;
  #observer;

  /** `rows` is the list's element; `peerOf(room)` -> id; `peers` the PeersPresence. */
  constructor(options) {
    const { rows } = (this.#options = options);
    this.#observer =
      globalThis.IntersectionObserver &&
      new IntersectionObserver((entries) => this.#seen(entries), { root: rows.parentElement, rootMargin: "40px" });
    // Without it the first ones count as seen.
    const watch = () =>
      this.#observer
        ? [...rows.children].forEach((row) => this.#observer.observe(row))
        : this.#seen([...rows.children].slice(0, AT_MOST).map((target) => ({ target, isIntersecting: true })));
    new MutationObserver(watch).observe(rows, { childList: true });
    watch();
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
    this.#options.clock.after(SETTLES_MS, () => this.#settle());
  }

  #settle() {
    this.#isDue = false;
    const { peerOf, peers } = this.#options;
    const wanted = [...this.#inView].filter(peerOf).slice(0, AT_MOST);
    for (const room of this.#wanted) if (!wanted.includes(room)) peers.release(room, NAME);
    for (const room of wanted) peers.want(room, peerOf(room), NAME);
    this.#wanted = wanted;
  }
}
