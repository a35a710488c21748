// Notifications and the sound of this browser, as long as a page is open (ui-spec M2, M5, M7). Asks for permission only after a press on our own button.

import { part, view } from "../lib/dom.js";
import { cut } from "../lib/body.js";
import { optional } from "../lib/errors.js";
import { NotificationPolicy } from "../state/notification-policy.js";
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

  /** `current()` -> room or null; `list` the ConversationList; `open(room)`; `icon` address of the picture. */
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

  /** Read elsewhere: what was said about it is taken back. */
  changed(room) {
    if (this.#options.list.get(room)?.unread) return;
    this.#shown.get(room)?.close();
    this.#shown.delete(room);
  }

  /** One tab leads; a hidden one lets a visible one go before. Without locks every tab stays silent but for the one in use. */
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
    const body = row.unread > 1 ? t("{n} new message|{n} new messages", { n: row.unread }) : cut(message.body, LONGEST);
    const options = { body, tag: room, icon, silent: true };
    try {
      const notification = new Notification(row.peer.name, options);
      notification.onclick = () => (focus(), notification.close(), open(room));
      this.#shown.set(room, notification);
    } catch {
      // Android knows notifications of service workers only.
      navigator.serviceWorker?.ready
        .then((worker) => worker.showNotification(row.peer.name, { ...options, data: { room } }))
        .catch(() => {});
    }
  }

  /** The card in the list; looked at again after a minute, when the first one of the first visit is over. */
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
