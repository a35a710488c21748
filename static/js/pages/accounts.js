// Entry of the pages around the account (sign up, log in, log out, invites opened, settings): small helps; each page works without them.

import { besideData, view } from "../lib/dom.js";
import { optional } from "../lib/errors.js";
import { languageOfPage } from "../lib/text.js";
import { fetchedLater, whenIdle } from "../lib/timing.js";
import { keptHere, wipeOthers } from "../net/store.js";
import { listenForButtons } from "../view/buttons.js";

/** Its own form, or the button of an invite that goes on with another account. */
const isLogOut = ({ target: form, submitter }) => form.method === "post" && (new URL(form.action).pathname.endsWith("/accounts/logout/") || submitter?.value === "switch");
const loadLeaving = () => import("../view/leave-dialog.js");
const loadAsking = () => import("../view/confirm.js");

/** This page's own connection (connected.js), once it is there. What it holds must not be written again after the log-out. */
let shell = null;

/** Logging out takes drafts and unsent messages from this device and closes the other tabs of the account. */
function forget(users) {
  document.documentElement.dataset.leaving = "true";
  shell?.store.end();
  for (const user of users) optional(() => new BroadcastChannel(`app:${user}`).postMessage({ kind: "log-out" }));
  wipeOthers();
}

let isDecided = false;
window.addEventListener("pageshow", () => (isDecided = false));

/** `answer` is a promise of whether to go on. Without a network no question can be loaded, and the form could not be sent either. */
async function holdBack(event, answer, atLast = () => {}) {
  event.preventDefault();
  if (!(await answer.catch(() => false))) return;
  atLast();
  isDecided = true;
  event.target.requestSubmit(event.submitter);
}

document.addEventListener("submit", (event) => {
  if (isDecided) return;
  const { ask: question } = event.target.dataset;
  if (question) return holdBack(event, loadAsking().then(({ ask }) => ask(question)));
  if (!isLogOut(event)) return;
  const { messages, drafts, users } = keptHere();
  if (!(messages || drafts) || !view("leave")) return forget(users);
  return holdBack(event, loadLeaving().then(({ askToLeave }) => askToLeave({ messages, drafts })), () => forget(users));
});

const { messages, drafts } = keptHere();
if ((messages || drafts) && view("leave")) whenIdle(() => loadLeaving().catch(() => {}));
if (view("ask")) whenIdle(() => loadAsking().catch(() => {}));
listenForButtons({ me: besideData().user.id });
if (besideData().user.id) fetchedLater(() => import("./connected.js")).then(({ connect }) => document.documentElement.dataset.leaving || (shell = connect()));

/** Until when an invite lives: the server writes it in UTC, as long as here, so that no line moves. */
const { hours } = document.documentElement.dataset;
const until = optional(() => new Intl.DateTimeFormat(languageOfPage(), { dateStyle: "long", timeStyle: "short", hourCycle: { 12: "h12", 24: "h23" }[hours] }));
if (until) for (const time of document.querySelectorAll('time[data-says="full"]')) time.textContent = until.format(new Date(time.dateTime));
