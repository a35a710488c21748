// Entry of the pages around the account (sign up, log in, log out, invites opened, settings): small helps; each page works without them.

import { languageOfPage, view } from "../lib/dom.js";
import { whenIdle } from "../lib/timing.js";
import { keptHere, wipeOthers } from "../net/store.js";
import { listenForButtons } from "../view/buttons.js";

/** Its own form, or the button of an invite that goes on with another account. */
const isLogOut = ({ target: form, submitter }) => form.method === "post" && (new URL(form.action).pathname.endsWith("/accounts/logout/") || submitter?.value === "switch");
const loadDialog = () => import("../view/leave-dialog.js");

/** Logging out takes drafts and unsent messages from this device and closes the other tabs of the account. */
function forget(users) {
  if (globalThis.BroadcastChannel) for (const user of users) new BroadcastChannel(`app:${user}`).postMessage({ kind: "log-out" });
  wipeOthers();
}

let isDecided = false;
window.addEventListener("pageshow", () => (isDecided = false));
document.addEventListener("submit", async (event) => {
  if (isDecided || !isLogOut(event)) return;
  const { messages, drafts, users } = keptHere();
  if (!(messages || drafts) || !view("leave")) return forget(users);
  event.preventDefault();
  // Without a network the question cannot be loaded, and the log-out could not be sent either.
  if (!(await loadDialog().then(({ askToLeave }) => askToLeave({ messages, drafts }), () => false))) return;
  forget(users);
  isDecided = true;
  event.target.requestSubmit(event.submitter);
});

const { messages, drafts } = keptHere();
if ((messages || drafts) && view("leave")) whenIdle(() => loadDialog().catch(() => {}));
listenForButtons();

/** Until when an invite lives: the server writes it in UTC, as long as here, so that no line moves. */
const { hours } = document.documentElement.dataset;
const until = new Intl.DateTimeFormat(languageOfPage(), { dateStyle: "long", timeStyle: "short", hourCycle: { 12: "h12", 24: "h23" }[hours] });
for (const time of document.querySelectorAll('time[data-says="full"]')) time.textContent = until.format(new Date(time.dateTime));
