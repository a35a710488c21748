// What the device tells about itself: network back or gone, page shown, window focused, page restored from the back button.

const HIDDEN_LONG_MS = 60_000;

/** `on.wake(kind)` with "wake", "online" or "offline"; `on.shownAfterLong()`; `on.leaving()` while there is still time to keep things. */
export function watchWakeUps({ window, clock, on }) {
  const { document } = window;
  let hiddenAt = null;
  window.addEventListener("online", () => on.wake("online"));
  window.addEventListener("offline", () => on.wake("offline"));
  window.addEventListener("focus", () => on.wake("wake"));
  window.addEventListener("pageshow", (event) => event.persisted && on.wake("wake"));
  window.addEventListener("pagehide", on.leaving);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      hiddenAt = clock.now();
      return on.leaving();
    }
    on.wake("wake");
    if (hiddenAt !== null && clock.now() - hiddenAt > HIDDEN_LONG_MS) on.shownAfterLong();
    hiddenAt = null;
  });
}
