// Entry of the offline page: checks whether the server can be reached again.

const EVERY_MS = 20_000;

/** The server may be unavailable while the network works, and then no event reports its return. */
async function look() {
  const answer = document.hidden ? null : await fetch("/healthz", { cache: "no-store" }).catch(() => null);
  if (answer?.ok) location.reload();
}

setInterval(look, EVERY_MS);
window.addEventListener("online", look);
document.addEventListener("visibilitychange", look);
