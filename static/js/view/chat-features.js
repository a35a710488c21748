// Everything that makes the shell comfortable and that reading and writing do not wait for: fetched in one go when the page is idle.

import { action, view } from "../lib/dom.js";
import { showTotal } from "./badges.js";
import { guardAgainstFiles } from "./file-drop.js";
import { FloatingDay } from "./floating-day.js";
import { invites, offerInvites } from "./invites.js";
import { listenForCopy } from "./message-copy.js";
import { MessageKeys } from "./message-keys.js";
import { MessageTools } from "./message-tools.js";
import { loadRowsOnScroll } from "./infinite-scroll.js";
import { Notifier } from "./notifier.js";
import { Panes } from "./chat-switching.js";
import { RowSigns } from "./list-presence.js";
import { Shortcuts } from "./shortcuts.js";
import { Switcher } from "./switcher.js";
import { toast } from "./toast.js";

/** The chat with somebody of the directory: opened at once; where that is refused, their page says why. */
async function meet(api, go, username) {
  const room = await api.post("/api/v1/conversations", { user: username }).then(
    (chat) => chat.room,
    () => null,
  );
  if (room) go(room);
  else location.assign(`/chats/with/${encodeURIComponent(username)}/`);
}

/** Wires them to the shell (pages/shell.js); returns what wants to hear of events: {connected, arrived, changed, renamed, total}, and `chosen()`. */
export function comforts(shell) {
  const { api, t, clock, list, announcer, me, store } = shell;
  const current = () => shell.room;
  const say = (text) => announcer.status(text);
  const show = (text) => toast(text, { clock });
  const rows = () => shell.rows?.shown ?? list.rows;

  const rowsElement = view("rows");
  if (rowsElement)
    new RowSigns({ rows: rowsElement, peerOf: (room) => list.get(room)?.peer.id, peers: shell.peers, clock });
  const onMade = (main, open) => (offerInvites(main, shell), open && chatComforts(open, shell, { say, show }));
  // A page of older messages, opened by the link that works without scripts, goes on as the pages without scripts do.
  const isLive = shell.openChat && (shell.open || shell.page.page === "inbox");
  const panes = isLive ? new Panes({ shell, fetchPage: shell.fetchPage, onMade }) : null;
  const chosen = () => (panes ? panes.chosen : shell.room);
  const go = (room) => (panes ? panes.go(`/chats/${room}/`) : location.assign(`/chats/${room}/`));
  const people = async (q) => (await api.get(`/api/v1/people?q=${encodeURIComponent(q)}`)).items;
  const switcher = new Switcher({
    t,
    clock,
    rows,
    current,
    people,
    say,
    online: (room) => shell.peers.get(room).online,
    open: ({ room, username }) => (room ? go(room) : meet(api, go, username)),
  });
  new Shortcuts({ rows, current: chosen, open: go, switcher: () => switcher.show() });
  const opener = action("switch");
  opener?.setAttribute("aria-haspopup", "dialog");
  opener?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    switcher.show();
  });
  listenForCopy();
  // The one case in which leaving loses text, hence the browser's own question.
  addEventListener("beforeunload", (event) => {
    shell.drafts.flush();
    if (shell.outbox.isAtRisk || shell.drafts.isAtRisk) event.preventDefault();
  });
  guardAgainstFiles({ t, tell: (text) => (show(text), say(text)) });
  const link = action("older-chats");
  if (link)
    loadRowsOnScroll({
      link,
      t,
      say,
      clock,
      load: (cursor) => api.get(`/api/v1/conversations?limit=60&cursor=${encodeURIComponent(cursor)}`),
      learn: (items) => shell.feed.learnRows(items, { isOlder: true }),
    });
  const accepted = invites(shell, { open: go, say });
  const notifier = new Notifier({
    me,
    store,
    clock,
    now: shell.now,
    list,
    current,
    t,
    open: go,
    icon: view("icon")?.href,
  });
  if (shell.open) chatComforts(shell.open, shell, { say, show });

  return {
    chosen,
    connected: (connection) => panes?.connected(connection),
    total: showTotal,
    arrived: (room, message) => notifier.arrived(room, message),
    changed: (room) => (notifier.changed(room), accepted.changed(room), panes?.changed(room), switcher.changed()),
    renamed: (room, rename) => panes?.renamed(room, rename),
  };
}

function chatComforts({ root, chat, room }, { clock, t }, { say, show }) {
  const scroller = view("scroller", root);
  const list = view("timeline", root);
  const tools = new MessageTools({ root, list, room, t, clock, say, toast: show });
  new MessageKeys({
    scroller,
    list,
    copy: (li) => tools.copy(li),
    menu: (li) => tools.menu(li),
    end: () => chat.history?.toEnd(),
    leave: () => chat.composer?.focus(),
  });
  new FloatingDay({ scroller, list, clock });
}
