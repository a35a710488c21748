// Entry of the settings: autosave, username check, avatar picker. Each page works without it.

import { action, csrfToken, view } from "../lib/dom.js";
import { translator } from "../lib/text.js";
import { loadWhenIdle, systemClock as clock } from "../lib/timing.js";
import { postForm } from "../net/forms.js";
import { browserStorage, Store } from "../net/store.js";
import { autosave } from "../view/autosave.js";
import { setBackLink } from "../view/back-link.js";

const strings = JSON.parse(document.getElementById("client-texts")?.textContent ?? "{}");
const t = translator(strings, document.documentElement.lang);
const me = document.querySelector('meta[name="csrf-token"]')?.dataset.user;
const post = (url, body) => postForm(url, body, { fetch: (...call) => fetch(...call), csrf: csrfToken, me });

const switches = view("save-at-once");
if (switches) autosave(switches, { post, t, clock, user: me });

const arrow = action("leave-settings");
if (arrow) setBackLink(arrow);

const alerts = view("notifications");
if (alerts)
  import("../view/notification-settings.js").then(
    ({ notificationSettings }) =>
      notificationSettings(alerts, {
        t,
        clock,
        store: new Store({ storage: browserStorage(), user: alerts.dataset.user }),
      }),
    () => {},
  );

const profile = view("profile");
if (profile)
  loadWhenIdle(() => import("../view/username-check.js")).then(({ checkUsername }) =>
    checkUsername(profile, { post, clock }),
  );

const picture = view("picture");
/** Without the script the form sends the picture as it is; the next choice asks for it again. */
const choose = () =>
  import("../view/avatar-picker.js").then(
    ({ choosePicture }) => choosePicture(picture, { post, t, dialog: view("crop") }),
    () => listen(),
  );
const listen = () => picture?.elements.picture.addEventListener("change", choose, { once: true });
// Chosen before this script was there.
if (picture?.elements.picture.value) choose();
else listen();
