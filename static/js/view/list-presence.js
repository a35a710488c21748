// Presence in the list (docs/interface.md C4): who is online or typing, requested for the visible rows only.

/** The server accepts 50 rooms for one socket: one is the chat on the screen, and a few may be closing. */
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
    // Without IntersectionObserver the first rows count as visible.
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

  /** Scrolling past rows, or opening one chat after another, requests nothing. */
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
