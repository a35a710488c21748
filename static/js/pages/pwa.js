// What an app has beyond a page: a worker that stands in while there is no connection, and word of a new version. Loaded by shell.js.

import { view } from "../lib/dom.js";
import { persistently } from "../lib/timing.js";
import { keptHere } from "../net/store.js";
import { NewRelease } from "../view/new-release.js";

/** Blocked in private windows, missing on plain-http addresses: then the page is just a page. */
async function register() {
  try {
    await navigator.serviceWorker?.register("/sw.js", { type: "module" });
  } catch {
    // Some browsers refuse even the name.
  }
}

/** Storage for this tab; a browser may refuse it even to be named. */
const session = {
  get(key) {
    try {
      return sessionStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      sessionStorage.setItem(key, value);
      return true;
    } catch {
      return false;
    }
  },
};

/** The look-out for a new version; `look()` is to be called after every reconnection, because a new version comes with a restart. */
export function installed({ api, announcer, outbox, clock }) {
  register();
  return new NewRelease({
    root: view("new-release"),
    release: document.querySelector('meta[name="release"]')?.content,
    ask: async () => (await persistently(() => api.get("/release"), { clock }))?.release,
    isUnsent: () => outbox.isAtRisk || keptHere().messages > 0,
    say: (text) => announcer.status(text),
    document,
    reload: () => location.reload(),
    session,
  });
}
