// Page lifecycle: network lost or back, page shown or hidden, window focused, page frozen, page restored by the back
// button.

const HIDDEN_LONG_MS = 60_000;

const SLEPT_MS = 5_000;

/**
 * `on.wake(kind)` with "wake", "slept", "online" or "offline"; `on.shownAfterLong()`; `on.leaving()` while there is
 * still time to keep things; `on.frozen()` when the browser is about to stop this page.
 */
export function watchPageLifecycle({ window, clock, on, steady = () => performance.now() }) {
  const { document } = window;
  let hiddenAt = null;
  let apart = clock.now() - steady();
  // Timers stop while the machine sleeps, so none is late afterwards. But one of the two clocks has gone on.
  const look = () => {
    const now = clock.now() - steady();
    if (Math.abs(now - apart) >= SLEPT_MS) on.wake("slept");
    apart = now;
  };
  for (const type of ["pointermove", "pointerdown", "keydown", "focus"])
    window.addEventListener(type, look, { passive: true, capture: true });
  // A tab whose connection another one replaced reconnects when it is used.
  for (const type of ["pointerdown", "keydown"])
    window.addEventListener(type, () => on.wake("pressed"), { passive: true, capture: true });
  document.addEventListener("freeze", on.frozen);
  document.addEventListener("resume", () => on.wake("slept"));
  window.addEventListener("online", () => on.wake("online"));
  window.addEventListener("offline", () => on.wake("offline"));
  window.addEventListener("focus", () => on.wake("wake"));
  window.addEventListener("pageshow", (event) => event.persisted && on.wake("wake"));
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
