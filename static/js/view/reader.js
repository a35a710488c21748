// Whether the user is reading: from focus, visibility and input events. Loaded when idle.

import { ReadMarker } from "../state/read-marker.js";

/** Watches until `signal` ends. Returns the ReadMarker. */
export function watchReader(room, { clock, receipts, signal }) {
  const marker = new ReadMarker({ clock, onRead: (seq) => receipts.read(room, seq) });
  const look = (options) => marker.attention(!document.hidden && document.hasFocus(), options);
  for (const type of ["focus", "blur"]) window.addEventListener(type, () => look(), { signal });
  document.addEventListener("visibilitychange", () => look(), { signal });
  for (const type of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"])
    window.addEventListener(type, () => marker.input(), { passive: true, signal });
  signal.addEventListener("abort", () => marker.attention(false));
  look({ isReturn: false });
  return marker;
}
