// Unread messages on an account page: the number in the title and badge, notifications, and a toast.

import { view } from "../lib/dom.js";
import { AcceptedInvites } from "./accepted-invites.js";
import { Notifier, showTotal } from "./notifier.js";
import { toast } from "./toast.js";

export function start({ api, t, clock, list, me, store, now, announce, events }) {
  const open = (room) => location.assign(`/chats/${room}/`);
  const notifier = new Notifier({
    me,
    store,
    clock,
    now,
    list,
    current: () => null,
    t,
    open,
    icon: view("icon")?.href,
  });
  // Chats that changed before this page was loaded are not announced.
  const rows = [{ room: null, activity: new Date(now()).toISOString() }];
  const accepted = new AcceptedInvites({ rows, list, api, t, clock, announce, open, onAccepted: () => {} });
  events.on("total", showTotal);
  events.on("change", (room) => {
    notifier.changed(room);
    accepted.changed(room);
  });
  events.on("arrival", ({ room, message }) => {
    notifier.arrived(room, message);
    const name = list.get(room)?.peer.name ?? "";
    const button = { label: t("Open chat"), onPress: () => open(room) };
    toast(t("New message from {name}", { name }), { clock, button });
  });
}
