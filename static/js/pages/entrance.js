// Entry of the pages around the account (sign up, log in, log out, invites opened, settings): small helps; each page works without them.

import { view } from "../lib/dom.js";
import { whenIdle } from "../lib/timing.js";
import { keptHere, wipeOthers } from "../net/store.js";
import { listenForButtons } from "../view/buttons.js";

const isLogOut = (form) => form.method === "post" && new URL(form.action).pathname.endsWith("/accounts/logout/");
const loadDialog = () => import("../view/leave-dialog.js");

/** Logging out takes drafts and unsent messages from this device and closes the other tabs of the account. */
function leave(form, users) {
  if (globalThis.BroadcastChannel) for (const user of users) new BroadcastChannel(`app:${user}`).postMessage({ kind: "log-out" });
  wipeOthers();
  form.submit();
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!isLogOut(form)) return;
  event.preventDefault();
  const kept = keptHere();
  // Without a network the question cannot be loaded, and the log-out could not be sent either.
  if ((kept.messages || kept.drafts) && view("leave") && !(await loadDialog().then(({ askToLeave }) => askToLeave(kept), () => false))) return;
  leave(form, kept.users);
});

const { messages, drafts } = keptHere();
if ((messages || drafts) && view("leave")) whenIdle(() => loadDialog().catch(() => {}));
listenForButtons();
