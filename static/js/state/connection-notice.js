// Whether the page tells that it has no connection: late to appear, quick to go. Loaded when idle.

/** What the strip above the messages says (ui-spec K1): "quiet", "connecting", "offline", "polling", and when to look again. */
export function strip({ name, lostAt, deviceOffline, isReachable }, now) {
  if (["live", "stopped", "signed-out", "other-account"].includes(name)) return { says: "quiet", until: null };
  const lost = now - lostAt;
  if ((lost >= 15_000 && isReachable) || name === "without-sockets") return { says: "polling", until: null };
  if (lost >= 15_000 || (deviceOffline && lost >= 1_000)) return { says: "offline", until: null };
  if (lost >= 3_000) return { says: "connecting", until: lostAt + 15_000 };
  return { says: "quiet", until: lostAt + (deviceOffline ? 1_000 : 3_000) };
}
