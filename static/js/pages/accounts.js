// Entry of the account pages (sign up, log in, log out, opened invites, settings). Each page works without it.

import { besideData, view } from "../lib/dom.js";
import { optional } from "../lib/errors.js";
import { languageOfPage } from "../lib/text.js";
import { fetchedLater, whenIdle } from "../lib/timing.js";
import { keptHere } from "../net/store.js";
import { listenForButtons } from "../view/buttons.js";
import { guardSubmissions, loadConfirm, loadLogOutConfirm } from "./log-out.js";

/** The connection of this page (connected.js), once it is loaded. */
let shell = null;
guardSubmissions(() => shell);

const { messages, drafts } = keptHere();
if ((messages || drafts) && view("leave")) whenIdle(() => loadLogOutConfirm().catch(() => {}));
if (view("ask")) whenIdle(() => loadConfirm().catch(() => {}));
listenForButtons({ me: besideData().user.id });
if (besideData().user.id)
  fetchedLater(() => import("./connected.js")).then(
    ({ connect }) => document.documentElement.dataset.leaving || (shell = connect()),
  );

/** When an invite expires. The server writes the time in UTC and equally long, so that no line moves. */
const { hours } = document.documentElement.dataset;
const hourCycle = { 12: "h12", 24: "h23" }[hours];
const expiry = optional(
  () => new Intl.DateTimeFormat(languageOfPage(), { dateStyle: "long", timeStyle: "short", hourCycle }),
);
if (expiry)
  for (const time of document.querySelectorAll('time[data-says="full"]'))
    time.textContent = expiry.format(new Date(time.dateTime));
