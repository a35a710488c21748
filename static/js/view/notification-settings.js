// Settings › Notifications: what this browser does when a message arrives, or why it cannot.

import { part, setText } from "../lib/dom.js";
import { NotificationPolicy } from "../state/notification-policy.js";
import { playNotificationSound } from "./notification-sound.js";

const isIPhone = () =>
  /iP(hone|ad|od)/.test(navigator.platform) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);

function sentence(t, isOn) {
  if (!globalThis.Notification) {
    if (isIPhone())
      return t("On iPhone and iPad, first add this site to the Home Screen: Share, then Add to Home Screen.");
    return t("This browser doesn’t support notifications.");
  }
  const { permission } = Notification;
  if (permission === "denied")
    return t(
      "Blocked in this browser. Allow notifications for this site in the browser’s settings, then reload this page.",
    );
  if (permission === "default") return t("Off. Your browser will ask for permission.");
  return isOn ? t("On") : t("Off");
}

/** `store` is what this account keeps in this browser. */
export function notificationSettings(box, { t, clock, store }) {
  const alerts = new NotificationPolicy({ clock, store });
  const [on, sound] = [part(box, "on"), part(box, "sound")];

  function show() {
    const isGranted = globalThis.Notification?.permission === "granted";
    on.disabled = !globalThis.Notification || Notification.permission === "denied";
    on.checked = isGranted && alerts.isOn;
    sound.checked = alerts.hasSound;
    sound.disabled = false;
    setText(part(box, "state"), sentence(t, on.checked));
  }

  on.addEventListener("change", async () => {
    alerts.isOn = on.checked && (await Notification.requestPermission()) === "granted";
    show();
  });
  sound.addEventListener("change", () => {
    alerts.hasSound = sound.checked;
    if (sound.checked) playNotificationSound();
  });
  // Turned in another tab, or in the browser's own settings.
  for (const type of ["storage", "focus"]) window.addEventListener(type, show);
  show();
}
