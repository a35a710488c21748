// What an installed app needs: the service worker, and a notice when a new version is deployed.

import { view } from "../lib/dom.js";
import { optional } from "../lib/errors.js";
import { retryUntilAnswered } from "../lib/timing.js";
import { unsentOnDevice } from "../net/store.js";
import { NewRelease } from "../view/new-release.js";

/** Blocked in private windows, missing on plain-http addresses: then the page works without it. */
const register = () => optional(() => navigator.serviceWorker?.register("/sw.js", { type: "module" }).catch(() => {}));

/** Storage of this tab; a browser may refuse even to name it. */
const session = {
  get: (key) => optional(() => sessionStorage.getItem(key)),
  set: (key, value) => optional(() => (sessionStorage.setItem(key, value), true), false),
};

/** A new version comes with a restart of the server, so it is looked for after every reconnect. */
export function start({ api, announce, outbox, clock, events }) {
  register();
  const release = new NewRelease({
    root: view("new-release"),
    release: document.querySelector('meta[name="release"]')?.content,
    ask: async () => (await retryUntilAnswered(() => api.get("/release"), { clock }))?.release,
    isUnsent: () => outbox.isAtRisk || unsentOnDevice().messages + unsentOnDevice().files > 0,
    announce,
    document,
    reload: () => location.reload(),
    session,
  });
  events.on("frame", ({ type }) => type === "connection_established" && void release.check());
}
