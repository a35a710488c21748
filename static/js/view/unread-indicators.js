// What a page beside the chats tells of them: the number in the title and on the badge, notifications, and a line at the bottom.

import { view } from "../lib/dom.js";
import { AcceptedInvites } from "./accepted-invites.js";
import { showTotal } from "./badges.js";
import { Notifier } from "./notifier.js";
import { toast } from "./toast.js";

/** As `comforts` of the pages with chats. */
export function beside({ api, t, clock, list, me, store, now, announcer }) {
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
  // What moved before this page was loaded is no news.
  const rows = [{ room: null, activity: new Date(now()).toISOString() }];
  const accepted = new AcceptedInvites({
    rows,
    list,
    api,
    t,
    clock,
    say: (text) => announcer.status(text),
    open,
    onAccepted: () => {},
  });
  return {
    connected() {},
    renamed() {},
    total: showTotal,
    changed: (room) => (notifier.changed(room), accepted.changed(room)),
    arrived(room, message) {
      notifier.arrived(room, message);
      const name = list.get(room)?.peer.name ?? "";
      toast(t("New message from {name}", { name }), {
        clock,
        button: { label: t("Open chat"), onPress: () => open(room) },
      });
    },
  };
}
