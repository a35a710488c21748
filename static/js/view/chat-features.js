// What reading and writing do not wait for: switching, shortcuts, notifications, message menus, invites. Loaded when
// idle.

import { action, view } from "../lib/dom.js";
import { loadWhenIdle } from "../lib/timing.js";
import { FloatingDay } from "./floating-day.js";
import { startComposerEmoji } from "./composer-emoji.js";
import { askForEmoji } from "./emoji.js";
import { AcceptedInvites, acceptedNotice } from "./accepted-invites.js";
import { listenForCopy } from "./message-copy.js";
import { Forwarding } from "./forwarding.js";
import { MessageActions } from "./message-actions.js";
import { MessageKeys } from "./message-keys.js";
import { ReceiptTimes } from "../state/receipt-times.js";
import { MessageTools } from "./message-tools.js";
import { DraftSync } from "../state/draft-sync.js";
import { loadRowsOnScroll } from "./infinite-scroll.js";
import { Notifier, showTotal } from "./notifier.js";
import { ChatSwitching } from "./chat-switching.js";
import { ListPresence } from "./list-presence.js";
import { Shortcuts } from "./shortcuts.js";
import { QuickSwitcher } from "./switcher.js";
import { toast } from "./toast.js";

const OPENER = '[data-action="invite"]';
const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;

/** By session of a chat; a chat that this tab no longer keeps takes its actions along. */
const messageActions = new WeakMap();

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
  const { shell, api, clock, list, peers, events, page, drafts, outbox } = tools;
  const current = () => shell.room;
  const show = (text, button = null) => toast(text, { clock, button });
  const rows = () => tools.rows.shown;

  const rowsElement = view("rows");
  if (rowsElement) new ListPresence({ ...tools, rows: rowsElement, peerOf: (room) => list.get(room)?.peer.id });
  const onBuilt = (main, session) => {
    markInviteOpeners(main, page);
    if (!session) return;
    startMessageFeatures(session, forMessages);
    attachments?.start(session);
  };
  // A page of older messages, opened by the link for browsers without scripts, keeps ordinary links.
  const isLive = shell.openChat && (shell.session || page.page === "inbox");
  const switching = isLive ? new ChatSwitching({ ...tools, onBuilt }) : null;
  const chosen = () => shell.chosen;
  const go = (room) => (switching ? switching.go(`/chats/${room}/`) : location.assign(`/chats/${room}/`));
  const people = async (q) => (await api.get(`/api/v1/people?q=${encodeURIComponent(q)}`)).items;
  const goTo = async (chat, seq) => {
    const session = shell.room === chat ? shell.session : null;
    // A message of another chat comes with its page, which opens there.
    if (session) session.events.emit("to-message", { seq });
    else location.assign(`/chats/${chat}/?m=${seq}`);
  };
  const switcher = new QuickSwitcher({
    ...tools,
    rows,
    current,
    people,
    messages: (q) => searchMessages({ api, list, q }),
    online: (room) => peers.get(room).online,
    open: ({ room, seq, username, all }) => {
      if (all) location.assign(`/chats/?q=${encodeURIComponent(all)}`);
      else if (seq) goTo(room, seq);
      else if (room) go(room);
      else openChatWith(api, go, username);
    },
  });
  const forwarding = new Forwarding({ ...tools, switcher, rows, toast: show, go });
  const times = new ReceiptTimes(tools);
  events.on("frame", (event) => event.type === "receipt.advanced" && times.advanced(event, list.get(event.room)));
  let attachments = null;
  loadWhenIdle(tools.loadAttachments).then(([{ startAttachments }, net]) => {
    attachments = startAttachments(
      { ...tools, toast: show, go, askForChat: (...asked) => forwarding.askForChat(...asked) },
      net,
    );
    if (shell.session) attachments.start(shell.session);
    events.emit("redraw");
  });
  // What the page shows of files that are not sent yet (state/uploads.js), once it is loaded.
  const uploads = (shell.uploads = () => attachments?.uploads ?? null);
  const forMessages = { ...tools, uploads, times, toast: show, forward: (...asked) => forwarding.choose(...asked) };
  const search = startSearch(tools);
  new Shortcuts({ rows, current: chosen, open: go, switcher: () => switcher.show(), search });
  const opener = action("switch");
  opener?.setAttribute("aria-haspopup", "dialog");
  opener?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    switcher.show();
  });
  listenForCopy();
  followDrafts(tools);
  // Leaving would lose text only in this case, hence the browser's own question.
  addEventListener("beforeunload", (event) => {
    drafts.flush();
    if (outbox.isAtRisk || drafts.isAtRisk || attachments?.isAtRisk) event.preventDefault();
  });
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
  if (shell.session) startMessageFeatures(shell.session, forMessages);
  // Not one listener for each chat that was ever on the screen.
  const actionsOf = (session) => messageActions.get(session);
  document.addEventListener("keydown", (event) => actionsOf(shell.session)?.key(event), { capture: true });

  events.on("total", showTotal);
  events.on("arrival", ({ room, message }) => notifier.arrived(room, message));
  events.on("change", (room) => {
    for (const session of shell.chats.values())
      if (room === null || session.room === room) actionsOf(session)?.changed();
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

/** Drafts follow the user from device to device. */
function followDrafts({ chats, events, ...tools }) {
  const sync = new DraftSync({
    ...tools,
    askedAt: performance.timeOrigin,
    isTouched: (room) => chats.get(room)?.chat.isTyping ?? false,
    show: (room, draft) => chats.get(room)?.chat.followText(draft),
  });
  events.on("draft", ({ room, draft }) => sync.saved(room, draft));
  events.on("frame", ({ type, limits }) => {
    if (type === "connection_established") sync.limit = limits?.body_chars ?? sync.limit;
  });
  events.on("change", (room) => room && sync.changed(room));
  addEventListener("pagehide", () => sync.flush());
  for (const type of ["focusout", "blur"])
    addEventListener(type, () => tools.shell.room && queueMicrotask(() => sync.changed(tools.shell.room)));
  sync.start();
}

function startMessageFeatures(session, page) {
  const { root, chat, room, timeline, events } = session;
  const { clock } = page;
  const scroller = view("scroller", root);
  const list = view("timeline", root);
  const actions = new MessageActions({ ...page, root, room, chat, timeline, events });
  messageActions.set(session, actions);
  session.actions = actions;
  const pickEmoji = (anchor) => askForEmoji(anchor, page);
  const tools = new MessageTools({ root, list, clock, actions, pickEmoji });
  new MessageKeys({
    scroller,
    list,
    run: (name, li) => actions.run(name, li),
    menu: (li) => tools.menu(li),
    end: () => events.emit("to-end"),
    leave: () => chat.composer?.focus(),
  });
  new FloatingDay({ scroller, list, clock });
  const form = view("composer", root);
  if (form) startComposerEmoji(form, chat.composer, page);
}

/** The messages with these words, each with the peer of its chat, which the list may not have loaded. */
async function searchMessages({ api, list, q }) {
  const { items, next } = await api.get(`/api/v1/search?q=${encodeURIComponent(q)}`);
  const rooms = [...new Set(items.map(({ room }) => room))].filter((room) => !list.get(room));
  const rows = rooms.length ? (await api.conversations(rooms)).items : [];
  const peerOf = (room) => (list.get(room) ?? rows.find((row) => row.room === room))?.peer;
  return { items: items.map((item) => ({ ...item, peer: peerOf(item.room) })).filter(({ peer }) => peer), next };
}

/**
 * The search in the chat on the screen, loaded on first use; without it, its link leads to a page. Returns what opens
 * it, and is null where no chat is on the screen.
 */
function startSearch(tools) {
  const { shell } = tools;
  const bars = new WeakMap();

  async function show(session) {
    const { ChatSearch } = await import("./chat-search.js");
    if (!bars.has(session)) bars.set(session, new ChatSearch({ ...tools, ...session }));
    bars.get(session).show();
  }

  if (view("found")) import("./search-results.js").then(({ searchWhileTyping }) => searchWhileTyping(tools));
  document.addEventListener("click", (event) => {
    const link = event.target.closest('[data-action="search-chat"]');
    if (!link || !shell.session || !isPlain(event)) return;
    event.preventDefault();
    show(shell.session).catch(() => location.assign(link.href));
  });
  return () => shell.session && (() => show(shell.session));
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
