// Loads older chats near the end of the list. The link works without scripts, and after a failure.

import { setText } from "../lib/dom.js";
import { retryAfter } from "../lib/timing.js";

/** `load(cursor)` -> promise of {items, next}; `learn(rows)` brings them into the list. */
export function loadRowsOnScroll({ link, t, load, learn, announce, clock }) {
  let isLoading = false;
  let isNear = false;
  let attempt = 0;
  const cursorOf = () => new URL(link.href).searchParams.get("cursor");
  const more = async () => {
    if (isLoading) return;
    isLoading = true;
    const { page, error } = await load(cursorOf()).then(
      (found) => ({ page: found }),
      (reason) => ({ error: reason }),
    );
    isLoading = false;
    if (!page) {
      const sentence = t("The list couldn’t be loaded. Try again");
      // Announced once; the retries go on as long as the end of the list is near.
      if (attempt === 0) announce(sentence);
      setText(link, sentence);
      return clock.after(retryAfter(error, attempt++), () => isNear && more());
    }
    attempt = 0;
    learn(page.items);
    if (!page.next) return link.remove();
    setText(link, t("Older chats"));
    link.search = `?${new URLSearchParams({ cursor: page.next })}`;
    // The observer reports only changes; after a short page the link may still be in view.
    watcher?.unobserve(link);
    watcher?.observe(link);
  };
  const seen = (entries) => {
    isNear = entries.at(-1).isIntersecting;
    if (isNear && attempt === 0) more();
  };
  const watcher = globalThis.IntersectionObserver && new IntersectionObserver(seen, { rootMargin: "300px" });
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    more();
  });
  watcher?.observe(link);
}
