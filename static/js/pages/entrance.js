// Entry of the pages around the account (sign up, log in, log out, invites opened, settings): small helps; each page works without them.

import { browserStorage, wipeOthers } from "../net/store.js";
import { listenForButtons } from "../view/buttons.js";

const accounts = () => new Set(Object.keys(browserStorage()).map((name) => /^entre:([^:]+):/.exec(name)?.[1]).filter(Boolean));

/** Logging out takes drafts and unsent messages from this device and closes the other tabs of the account. */
document.addEventListener("submit", ({ target }) => {
  if (!new URL(target.action).pathname.endsWith("/accounts/logout/") || target.method !== "post") return;
  for (const user of accounts()) new BroadcastChannel(`app:${user}`).postMessage({ kind: "log-out" });
  wipeOthers();
});

listenForButtons();
