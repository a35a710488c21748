// The parts of the shell that the first second does not need. They are loaded while there is still a connection.

import { view } from "../lib/dom.js";
import { loadWhenIdle } from "../lib/timing.js";
import { stateOfFile } from "../net/attachments-state.js";
import { fetchEmoji } from "../net/emoji-data.js";
import { fetchPage } from "../net/pages.js";
import { Poller } from "../net/polling.js";
import { watchPageLifecycle } from "../net/page-lifecycle.js";
import { PeersPresence } from "../state/peer-presence.js";
import { RowRefresh } from "../state/row-refresh.js";
import { ListView } from "../view/list-view.js";
import { redrawOwnCard } from "../view/own-card.js";

/**
 * Modules that export `start(tools)`. session-end.js exports none: it is only loaded, as nothing can be after the
 * session has ended.
 */
const CHAT_PARTS = [
  () => import("../view/buttons.js"),
  () => import("../view/connection-view.js"),
  () => import("../view/chat-features.js"),
  () => import("../view/attachments-media.js"),
  () => import("./session-end.js"),
  () => import("./pwa.js"),
];

/** An account page listens to its buttons itself. */
const ACCOUNT_PARTS = [() => import("../view/unread-indicators.js"), () => import("./session-end.js")];

/**
 * A press of a button whose module has not loaded yet is performed when the module listens, and is not lost. Returns
 * what a module calls once, when it has begun to listen: it performs the press of a button that `isOurs`.
 */
export const pressOf = (shell) => (isOurs) => {
  const button = shell.clicked?.closest('button[type="button"]');
  if (button?.isConnected && isOurs(button)) button.click();
};

/** Returns {peers, refresh}. Each further part loads by itself: one that fails does not stop the others. */
export function startLazyParts(shell, api) {
  const { chats, clock, events, handlers, list, outbox, receipts, socket, keepAll } = shell;
  const isVisible = () => !document.hidden;
  const revision = () => list.unreadRevision;
  const send = (command) => socket.send(command);
  const peers = new PeersPresence({ clock, send, onChange: () => events.emit("redraw") });
  const rows = createList(shell, peers);
  const learn = ({ items, unread_total: total = null }, { isWhole, isExact }) =>
    handlers.applyRows(items, { isWhole, total: isExact ? total : null });
  const refresh = new RowRefresh({ load: (rooms) => api.conversations(rooms), clock, learn, revision });
  const poller = new Poller({
    ...{ api, clock, isVisible, revision },
    learn: ({ items, unread_total: total }, before) =>
      handlers.receivePolled(items, revision() === before ? total : null),
    onEvent: (event) => handlers.handle(event),
    ended: ({ status }) => status === 401 && shell.ended("signed-out"),
  });
  events.on("redraw", () => rows.renderSoon());
  events.on("connection", (connection) => peers.connected(connection));
  events.on("http-command", (command) => poller.send(command));
  events.on("reachability", (isReachable) => poller.setActive(isReachable));
  events.on("frame", (event) => peers.handle(event));
  events.on("frame", ({ type, user }) => {
    // A greeting, too: the card may have changed while there was no connection.
    if (type === "user.changed" || type === "connection_established")
      redrawOwnCard([document, ...[...chats.values()].map(({ root }) => root)], user);
  });
  rows.render();
  peers.connected(socket.connection);
  poller.setActive(socket.connection.isReachable);
  document.addEventListener("visibilitychange", () => poller.schedule());
  // Receipts from before there was a way to send them.
  receipts.flush();
  const on = {
    wake: (kind) => socket.wake(kind),
    shownAfterLong: () => handlers.requestHeads(),
    leaving: () => keepAll(),
    frozen: () => (keepAll(), outbox.setLive(false)),
  };
  watchPageLifecycle({ window, clock, on });
  const announce = (text) => shell.announcer.status(text);
  const sheet = () => import("../lib/attachments-sheet.js").then(({ loadFilesSheet }) => loadFilesSheet());
  const loaders = {
    fetchEmoji,
    fetchPage: (path) => fetchPage(path, shell),
    loadAttachments: () => Promise.all([import("../view/attachments.js"), import("../net/attachments.js"), sheet()]),
    stateOfFile: (address) => stateOfFile(address, shell),
  };
  const tools = { ...shell, shell, api, peers, rows, announce, performPress: pressOf(shell), ...loaders };
  for (const load of shell.hasChats ? CHAT_PARTS : ACCOUNT_PARTS)
    loadWhenIdle(load).then(({ start }) => {
      start?.(tools);
      events.emit("redraw");
    });
  return { peers, refresh };
}

function createList(shell, peers) {
  const { list, outbox, events, page } = shell;
  return new ListView({
    ...shell,
    root: view("list"),
    state: list,
    isUnwritten: (room) => page.unwritten?.includes(room),
    unsent: (room) => outbox.messages(room),
    current: () => shell.room,
    chosen: () => shell.chosen,
    presenceOf: (room) => peers.get(room),
    onTotal: (count) => events.emit("total", count),
  });
}
