// Keyboard navigation in the messages (docs/interface.md A4, H12): one message has the focus, arrows move it,
// letters act on it.

import { isComposing, keyOf } from "../lib/keys.js";

/** What of a message can be reached with Tab while the message has the focus, or one of these. */
const STOPS = "article a, li button[data-emoji], [data-part='files'] :is(button, input, video)";

export class MessageKeys {
  #list;
  #options;
  #current = null;

  /**
   * `scroller`, `list` (the timeline); `run(name, li)` an action, `menu(li)`, `end()` scrolls to the newest message,
   * `leave()` focuses the composer.
   */
  constructor(options) {
    const { scroller, list } = (this.#options = options);
    this.#list = list;
    scroller.addEventListener("focusin", ({ target }) => this.#mark(target.closest?.("article")));
    scroller.addEventListener("keydown", (event) => !isComposing(event) && this.#key(event));
    new MutationObserver(() => this.#settle()).observe(list, { childList: true });
    this.#settle();
  }

  get #articles() {
    return [...this.#list.querySelectorAll("article")];
  }

  /** One message, and its links, can be reached with Tab: the last focused one, or the newest. */
  #settle() {
    if (!this.#list.contains(this.#current))
      this.#mark(this.#list.querySelector("li[data-id]:last-of-type article") ?? this.#articles.at(-1));
    this.#links();
  }

  #mark(article) {
    if (!article || article === this.#current) return;
    for (const other of this.#list.querySelectorAll('article[tabindex="0"]')) other.tabIndex = -1;
    article.tabIndex = 0;
    this.#current = article;
    this.#links();
  }

  #links() {
    const current = this.#current?.closest("li");
    for (const link of this.#list.querySelectorAll(STOPS)) {
      const stop = current?.contains(link) ? 0 : -1;
      if (link.tabIndex !== stop) link.tabIndex = stop;
    }
  }

  #key(event) {
    const { scroller, run: act, menu, end, leave } = this.#options;
    const isOnMessage = event.target === this.#current;
    if (event.defaultPrevented || (!isOnMessage && event.target !== scroller)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const li = this.#current?.closest("li");
    const keys = {
      ArrowUp: () => this.#move(isOnMessage ? -1 : 0),
      ArrowDown: () => this.#move(isOnMessage ? 1 : 0),
      Home: () => this.#focus(this.#articles[0]),
      End: () => (end(), this.#focus(this.#articles.at(-1))),
      Escape: leave,
      ...(isOnMessage && {
        Enter: () => act("open", li) ?? menu(li),
        ContextMenu: () => menu(li),
        Delete: () => act("remove", li),
        c: () => act("copy", li),
        r: () => act("reply", li),
        e: () => act("edit", li),
      }),
    };
    const isMenu = event.key === "F10" && event.shiftKey && isOnMessage;
    const press = isMenu ? keys.ContextMenu : (keys[event.key] ?? (event.shiftKey ? null : keys[keyOf(event)]));
    if (!press) return;
    event.preventDefault();
    press();
  }

  #move(step) {
    const articles = this.#articles;
    const at = articles.indexOf(this.#current);
    this.#focus(articles[Math.min(articles.length - 1, Math.max(0, at + step))]);
  }

  #focus(article) {
    if (!article) return;
    article.focus({ preventScroll: true });
    article.scrollIntoView({ block: "nearest" });
  }
}
