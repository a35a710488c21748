// Entry of the account pages (sign up, log in, log out, opened invites, settings). Each page works without it.

import { userPageData, view } from "../lib/dom.js";
import { optional } from "../lib/errors.js";
import { languageOfPage } from "../lib/text.js";
import { loadWhenIdle, whenIdle } from "../lib/timing.js";
import { unsentOnDevice } from "../net/store.js";
import { removeWorker } from "../net/worker-removal.js";
import { start as listenForButtons } from "../view/buttons.js";
import { guardSubmissions, loadConfirm, loadLogOutConfirm } from "./log-out.js";

/** The connection of this page (connected.js), once it is loaded. */
let shell = null;
guardSubmissions(() => shell);

const { messages, drafts, files } = unsentOnDevice();
if ((messages || drafts || files) && view("leave")) whenIdle(() => loadLogOutConfirm().catch(() => {}));
if (view("ask")) whenIdle(() => loadConfirm().catch(() => {}));
listenForButtons({ me: userPageData().user.id });
if (userPageData().user.id)
  loadWhenIdle(() => import("./connected.js")).then(
    ({ connect }) => document.documentElement.dataset.leaving || (shell = connect()),
  );
else
  whenIdle(() =>
    // A browser that blocks site data may refuse even to name them.
    optional(() => removeWorker({ serviceWorker: navigator.serviceWorker, caches: globalThis.caches }).catch(() => {})),
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
