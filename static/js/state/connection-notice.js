// When the page shows that it has no connection: late to appear, quick to go. Loaded when idle.

/**
 * What the notice above the messages shows (docs/interface.md K1): "quiet", "connecting", "offline" or "polling", and
 * until when.
 */
export function connectionNotice({ name, lostAt, deviceOffline, isReachable }, now) {
  if (["live", "stopped", "signed-out", "other-account"].includes(name)) return { notice: "quiet", until: null };
  const lost = now - lostAt;
  if ((lost >= 15_000 && isReachable) || name === "without-sockets") return { notice: "polling", until: null };
  if (lost >= 15_000 || (deviceOffline && lost >= 1_000)) return { notice: "offline", until: null };
  if (lost >= 3_000) return { notice: "connecting", until: lostAt + 15_000 };
  return { notice: "quiet", until: lostAt + (deviceOffline ? 1_000 : 3_000) };
}
