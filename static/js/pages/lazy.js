// Needed by nobody in the first second, and fetched before the connection can be lost.

import { view } from "../lib/dom.js";
import { fetchedLater } from "../lib/timing.js";
import { fetchPage } from "../net/pages.js";
import { Polling } from "../net/polling.js";
import { watchWakeUps } from "../net/page-lifecycle.js";
import { PeerSigns } from "../state/peer-presence.js";
import { RowRefresh } from "../state/row-refresh.js";
import { ListView } from "../view/list-view.js";
import { redrawOwn } from "../view/own-card.js";

const PARTS = [
  { load: () => import("../view/buttons.js"), begin: ({ listenForButtons }, shell) => listenForButtons(shell) },
  { load: () => import("../view/connection-view.js"), begin: strip },
  { load: () => import("../view/chat-features.js"), begin: comforts },
  // Only fetched: without a session it is the one thing that this page can still say.
  { load: () => import("./session-end.js"), begin: () => {} },
  { load: () => import("./pwa.js"), begin: ({ installed }, shell) => (shell.installed = installed(shell)) },
];

/** Beside the chats. The small buttons are listened for by the page itself. */
const BESIDE = [
  { load: () => import("../view/unread-indicators.js"), begin: ({ beside }, shell) => begins(shell, beside(shell)) },
  { load: () => import("./session-end.js"), begin: () => {} },
];

/** Each by itself: one that cannot be had now keeps none of the others. */
export function rest(shell) {
  const { clock, socket, feed, list } = shell;
  shell.peers = new PeerSigns({
    clock,
    send: (command) => socket.send(command),
    onChange: () => shell.rows.renderSoon(),
  });
  shell.rows = listView(shell);
  shell.rows.render();
  shell.peers.connected(socket.connection);
  const learn = ({ items, unread_total: total = null }, { isWhole, isExact }) =>
    feed.learnRows(items, { isWhole, total: isExact ? total : null });
  shell.refresh = new RowRefresh({
    load: (rooms) => shell.api.conversations(rooms),
    clock,
    learn,
    stamp: () => list.stamp,
  });
  shell.redrawOwn = redrawOwn;
  shell.polling = polling(shell);
  // What was read before there was a way for it.
  shell.receipts.flush();
  watchWakeUps({
    window,
    clock,
    on: {
      wake: (kind) => socket.wake(kind),
      shownAfterLong: () => feed.lookAgain(),
      leaving: () => shell.keepAll(),
      frozen: () => (shell.keepAll(), shell.outbox.setLive(false)),
    },
  });
  for (const { load, begin } of shell.page.page === "beside" ? BESIDE : PARTS)
    fetchedLater(load).then((found) => begin(found, shell));
}

function polling(shell) {
  const { api, clock, feed, list, socket } = shell;
  const found = new Polling({
    api,
    clock,
    isVisible: () => !document.hidden,
    stamp: () => list.stamp,
    learn: ({ items, unread_total: total }, before) => feed.polled(items, list.stamp === before ? total : null),
    hear: (event) => feed.handle(event),
    ended: ({ status }) => status === 401 && shell.ended("signed-out"),
  });
  document.addEventListener("visibilitychange", () => found.look());
  found.setOn(socket.connection.isReachable);
  return found;
}

function listView(shell) {
  const { list: state, drafts, outbox, me, t, dates, clock, now } = shell;
  return new ListView({
    root: view("list"),
    state,
    drafts,
    me,
    t,
    dates,
    clock,
    now,
    unwritten: (room) => shell.page.unwritten?.includes(room),
    unsent: (room) => outbox.entries(room),
    current: () => shell.room,
    chosen: () => (shell.comforts?.chosen ? shell.comforts.chosen() : shell.room),
    signsOf: (room) => shell.peers.get(room),
    onTotal: (count) => shell.comforts?.total(count),
  });
}

function strip({ ConnectionView }, shell) {
  const { t, clock, announcer, socket } = shell;
  shell.strip = new ConnectionView({ t, clock, say: (text) => announcer.status(text), onRetry: () => socket.wake() });
  if (globalThis.WebSocket) shell.strip.update(socket.connection);
  else shell.strip.update({ ...socket.connection, name: "without-sockets" });
}

function comforts(found, shell) {
  shell.fetchPage = (path) => fetchPage(path, shell);
  begins(shell, found.comforts(shell));
}

function begins(shell, found) {
  shell.comforts = found;
  found.connected(shell.socket.connection);
  shell.rows.renderSoon();
}
