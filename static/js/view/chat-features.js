// What reading and writing do not wait for: switching, shortcuts, notifications, message menus, invites. Loaded when
// idle.

import { action, view } from "../lib/dom.js";
import { rejectDroppedFiles } from "./file-drop.js";
import { FloatingDay } from "./floating-day.js";
import { AcceptedInvites, acceptedNotice } from "./accepted-invites.js";
import { listenForCopy } from "./message-copy.js";
import { MessageKeys } from "./message-keys.js";
import { MessageTools } from "./message-tools.js";
import { loadRowsOnScroll } from "./infinite-scroll.js";
import { Notifier, showTotal } from "./notifier.js";
import { ChatSwitching } from "./chat-switching.js";
import { ListPresence } from "./list-presence.js";
import { Shortcuts } from "./shortcuts.js";
import { QuickSwitcher } from "./switcher.js";
import { toast } from "./toast.js";

const OPENER = '[data-action="invite"]';
const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;

/** Opens the chat with a user of the directory; if that is refused, the user's page says why. */
async function openChatWith(api, go, username) {
  const room = await api.post("/api/v1/conversations", { user: username }).then(
    (chat) => chat.room,
    () => null,
  );
  if (room) go(room);
  else location.assign(`/chats/with/${encodeURIComponent(username)}/`);
}

/**
 * `tools`: the fields of the Shell, `shell` itself, and what pages/lazy.js adds. Each part takes from it what it names.
 */
export function start(tools) {
  const { shell, api, t, clock, list, peers, events, page, announce, drafts, outbox } = tools;
  const current = () => shell.room;
  const show = (text) => toast(text, { clock });
  const rows = () => tools.rows.shown;

  const rowsElement = view("rows");
  if (rowsElement) new ListPresence({ ...tools, rows: rowsElement, peerOf: (room) => list.get(room)?.peer.id });
  const onBuilt = (main, session) => {
    markInviteOpeners(main, page);
    if (session) startMessageFeatures(session, tools, show);
  };
  // A page of older messages, opened by the link for browsers without scripts, keeps ordinary links.
  const isLive = shell.openChat && (shell.session || page.page === "inbox");
  const switching = isLive ? new ChatSwitching({ ...tools, onBuilt }) : null;
  const chosen = () => shell.chosen;
  const go = (room) => (switching ? switching.go(`/chats/${room}/`) : location.assign(`/chats/${room}/`));
  const people = async (q) => (await api.get(`/api/v1/people?q=${encodeURIComponent(q)}`)).items;
  const switcher = new QuickSwitcher({
    ...tools,
    rows,
    current,
    people,
    online: (room) => peers.get(room).online,
    open: ({ room, username }) => (room ? go(room) : openChatWith(api, go, username)),
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
  // Leaving would lose text only in this case, hence the browser's own question.
  addEventListener("beforeunload", (event) => {
    drafts.flush();
    if (outbox.isAtRisk || drafts.isAtRisk) event.preventDefault();
  });
  rejectDroppedFiles({ t, notify: (text) => (show(text), announce(text)) });
  const link = action("older-chats");
  if (link)
    loadRowsOnScroll({
      link,
      t,
      announce,
      clock,
      load: (cursor) => api.get(`/api/v1/conversations?limit=60&cursor=${encodeURIComponent(cursor)}`),
      learn: (items) => tools.handlers.applyRows(items, { isOlder: true }),
    });
  const invites = startInvites({ ...tools, open: go });
  const icon = view("icon")?.href;
  const notifier = new Notifier({ ...tools, current, open: go, icon });
  if (shell.session) startMessageFeatures(shell.session, tools, show);

  events.on("total", showTotal);
  events.on("arrival", ({ room, message }) => notifier.arrived(room, message));
  events.on("change", (room) => {
    notifier.changed(room);
    invites.changed(room);
    switching?.changed(room);
    switcher.changed();
  });
  if (!switching) return;
  events.on("connection", (connection) => switching.connected(connection));
  events.on("peer-renamed", ({ room, rename }) => switching.renamed(room, rename));
  switching.connected(tools.socket.connection);
}

function startMessageFeatures({ root, chat, room, events }, { t, clock, announce }, show) {
  const scroller = view("scroller", root);
  const list = view("timeline", root);
  const tools = new MessageTools({ root, list, room, t, clock, announce, toast: show });
  new MessageKeys({
    scroller,
    list,
    copy: (li) => tools.copy(li),
    menu: (li) => tools.menu(li),
    end: () => events.emit("to-end"),
    leave: () => chat.composer?.focus(),
  });
  new FloatingDay({ scroller, list, clock });
}

/** The links to the page of invites open a dialog. On that page itself they lead to a fresh form. */
function markInviteOpeners(root, page) {
  if (page.page !== "invites")
    for (const opener of root.querySelectorAll(OPENER)) opener.setAttribute("aria-haspopup", "dialog");
}

/**
 * Returns what wants to hear that a room changed. Without the dialog the buttons are the links to the page of invites
 * that they always were.
 */
function startInvites(tools) {
  const { page, t } = tools;
  let dialog = null;

  async function show(opener) {
    const { InviteDialog } = await import("./invite-dialog.js");
    dialog ??= new InviteDialog(tools);
    await dialog.show(opener);
  }

  markInviteOpeners(document, page);
  document.addEventListener("click", (event) => {
    const opener = event.target.closest(OPENER);
    if (!opener || page.page === "invites" || !isPlain(event)) return;
    event.preventDefault();
    show(opener).catch(() => location.assign(opener.href));
  });

  const onAccepted = (news) => {
    const isShown = dialog?.accepted(news) ?? false;
    const line = document.querySelector(`main [data-invite="${CSS.escape(news.id)}"]`);
    line?.replaceChildren(acceptedNotice({ ...news, t }));
    return isShown || Boolean(line);
  };
  const accepted = new AcceptedInvites({ ...tools, rows: page.conversations ?? [], onAccepted });
  // Chats that came after the page and before this part of it.
  for (const { room } of tools.list.rows) accepted.changed(room);
  return accepted;
}
