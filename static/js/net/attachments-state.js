// Why a file could not be shown: the browser's own players and pictures do not say. Asked again over HTTP.

/** "there", "gone" (deleted, or no longer ours), "signed-out", "busy", or "offline" without an answer. */
export async function stateOfFile(address, { me, fetch = globalThis.fetch }) {
  try {
    const { ok, status } = await fetch(address, {
      method: "HEAD",
      headers: { "X-Acting-User": me },
      cache: "no-store",
      credentials: "same-origin",
      signal: AbortSignal.timeout?.(10_000),
    });
    if (ok || status === 304) return "there";
    if (status === 404 || status === 410) return "gone";
    return [401, 403, 409].includes(status) ? "signed-out" : "busy";
  } catch {
    return "offline";
  }
}
