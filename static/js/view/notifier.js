// Notifications, their sound and the unread badge (docs/interface.md M2, M5 to M7). Permission is requested only
// after a press.

import { part, view } from "../lib/dom.js";
import { cut } from "../lib/body.js";
import { optional } from "../lib/errors.js";
import { isCurrent, NotificationPolicy } from "../state/notification-policy.js";
import { shownText } from "./bodies.js";
import { playNotificationSound } from "./notification-sound.js";

const ASK_AGAIN_MS = 60_000;
const LONGEST = 200;

export class Notifier {
  #options;
  #alerts;
  #isLeader = false;
  #release = null;
  #shown = new Map();
  #channel = null;

  /**
   * `me`, `store`, `clock`, `now`, `list`, `t`; `current()` -> room or null; `open(room)`; `icon` the address of the
   * image.
   */
  constructor(options) {
    const { me, store, clock, current } = (this.#options = options);
    this.#channel = optional(() => new BroadcastChannel(`app:${me}`));
    if (this.#channel)
      this.#channel.onmessage = ({ data }) => data.kind === "watched" && this.#alerts.visibleElsewhere(data.room);
    const isActive = () => !document.hidden && document.hasFocus();
    this.#alerts = new NotificationPolicy({
      clock,
      store,
      isActive,
      isLeader: () => this.#isLeader,
      isWatched: (room) => room === current() && isActive(),
      broadcast: (room) => optional(() => this.#channel?.postMessage({ kind: "watched", room })),
      notify: (room, message) => this.#notify(room, message),
      sound: playNotificationSound,
    });
    this.#lead();
    document.addEventListener("visibilitychange", () => document.hidden && this.#release?.());
    this.#card();
  }

  arrived(room, message) {
    const row = this.#options.list.get(room) ?? {};
    const isMuted = this.#options.list.isMuted(row, this.#options.now());
    this.#alerts.arrived({ room, message, isMuted, isRequest: row.state === "request" });
  }

  /** Read elsewhere, or deleted: its notification is closed. */
  changed(room) {
    const shown = this.#shown.get(room);
    if (!shown || isCurrent(this.#options.list.get(room), shown.seq)) return;
    shown.close();
    this.#shown.delete(room);
  }

  /** One tab leads; a hidden tab hands over to a visible one. Without locks no tab notifies. */
  async #lead() {
    const { me } = this.#options;
    const { locks } = navigator;
    if (!locks) return;
    for (;;) {
      const isDone = await locks
        .request(`leader:${me}`, () => {
          this.#isLeader = true;
          return new Promise((release) => (this.#release = () => release(false)));
        })
        .catch(() => true);
      this.#isLeader = false;
      this.#release = null;
      if (isDone) return;
    }
  }

  #notify(room, message) {
    const { list, t, icon, open } = this.#options;
    const row = list.get(room);
    if (!row || globalThis.Notification?.permission !== "granted") return;
    const isOne = row.unread <= 1;
    const body = isOne
      ? cut(shownText(message, t), LONGEST)
      : t("{n} new message|{n} new messages", { n: row.unread });
    const options = { body, tag: room, icon, silent: true };
    const { seq } = message;
    try {
      const notification = new Notification(row.peer.name, options);
      notification.onclick = () => (focus(), notification.close(), open(room));
      this.#shown.set(room, { seq, close: () => notification.close() });
    } catch {
      // Android supports notifications of service workers only.
      const shown = navigator.serviceWorker?.ready
        .then((worker) => worker.showNotification(row.peer.name, { ...options, data: { room } }).then(() => worker))
        .then((worker) => worker.getNotifications({ tag: room }));
      shown?.catch(() => {});
      const close = () => shown?.then((found) => found.forEach((one) => one.close())).catch(() => {});
      this.#shown.set(room, { seq, close });
    }
  }

  /** The card in the list; checked again after a minute, because it does not show in the first one. */
  #card() {
    const card = view("notify-card");
    if (!card || !globalThis.Notification) return;
    const { list, clock } = this.#options;
    const look = () => {
      card.hidden = !this.#alerts.mayAsk({
        permission: Notification.permission,
        hasReceived: list.rows.some((row) => row.received > 0),
      });
      if (card.hidden && Notification.permission === "default") clock.after(ASK_AGAIN_MS, look);
    };
    part(card, "turn-on").addEventListener("click", async () => {
      this.#alerts.hasSound = part(card, "sound").checked;
      this.#alerts.isOn = (await Notification.requestPermission()) === "granted";
      card.hidden = true;
    });
    part(card, "not-now").addEventListener("click", () => (this.#alerts.notNow(), (card.hidden = true)));
    look();
  }
}

/** The number of unread messages outside the page: the icon of the tab and the badge of the installed app (M6). */
export function showTotal(count) {
  const icon = view("icon");
  if (icon?.dataset.new) {
    // One of two files: with and without a dot.
    icon.dataset.quiet ??= icon.getAttribute("href");
    const wanted = count ? icon.dataset.new : icon.dataset.quiet;
    if (icon.getAttribute("href") !== wanted) icon.href = wanted;
  }
  if (count) navigator.setAppBadge?.(count).catch(() => {});
  else navigator.clearAppBadge?.().catch(() => {});
}
