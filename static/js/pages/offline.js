// Entry of the page that stands in for any other while there is no connection: it looks by itself whether there is one again.

const EVERY_MS = 20_000;

/** The server may be away while the network is well, and then no event tells of its return. */
async function look() {
  const answer = document.hidden ? null : await fetch("/healthz", { cache: "no-store" }).catch(() => null);
  if (answer?.ok) location.reload();
}

setInterval(look, EVERY_MS);
window.addEventListener("online", look);
document.addEventListener("visibilitychange", look);
