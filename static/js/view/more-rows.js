// Older chats, page by page, when somebody comes near the end of the list (ui-spec 3.4). The link works without scripts, and after a failure.

import { setText } from "../lib/dom.js";

/** `load(cursor)` -> promise of {items, next}; `learn(rows)` brings them into the list. */
export function loadRowsOnScroll({ link, t, load, learn, say }) {
  let isLoading = false;
  const cursorOf = () => new URL(link.href).searchParams.get("cursor");
  const more = async () => {
    if (isLoading) return;
    isLoading = true;
    const page = await load(cursorOf()).catch(() => null);
    isLoading = false;
    if (!page) {
      const sentence = t("The list could not be loaded. Try again");
      setText(link, sentence);
      return say(sentence);
    }
    learn(page.items);
    if (!page.next) return link.remove();
    setText(link, t("Older chats"));
    link.search = `?${new URLSearchParams({ cursor: page.next })}`;
    // The observer speaks only when something changes; a short page may leave the link in view.
    watcher.unobserve(link);
    watcher.observe(link);
  };
  const watcher = new IntersectionObserver((entries) => entries.some(({ isIntersecting }) => isIntersecting) && more(), { rootMargin: "300px" });
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    more();
  });
  watcher.observe(link);
}
