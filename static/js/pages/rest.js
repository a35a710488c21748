// Needed by nobody in the first second, and fetched before the connection can be lost.

import { view } from "../lib/dom.js";
import { fetchedLater } from "../lib/timing.js";
import { watchWakeUps } from "../net/wake-ups.js";
import { ListView } from "../view/list-view.js";

const PARTS = [
  { load: () => import("../view/buttons.js"), begin: ({ listenForButtons }, shell) => listenForButtons(shell) },
  { load: () => import("../view/connection-view.js"), begin: strip },
  { load: () => import("../view/comforts.js"), begin: comforts },
  // Only fetched: without a session it is the one thing that this page can still say.
  { load: () => import("./session-end.js"), begin: () => {} },
  { load: () => import("./installed.js"), begin: ({ installed }, shell) => (shell.installed = installed(shell)) },
];

/** Each by itself: one that cannot be had now keeps none of the others. */
export function rest(shell) {
  shell.rows = list(shell);
  shell.rows.render();
  watchWakeUps({
    window,
    clock: shell.clock,
    on: {
      wake: (kind) => shell.socket.wake(kind),
      shownAfterLong: () => shell.feed.lookAgain(),
      leaving: () => shell.keepAll(),
      frozen: () => (shell.keepAll(), shell.outbox.setLive(false)),
    },
  });
  for (const { load, begin } of PARTS) fetchedLater(load).then((found) => begin(found, shell));
}

function list(shell) {
  const { list: state, drafts, outbox, me, t, dates, clock, now } = shell;
  return new ListView({
    root: view("list"), state, drafts, me, t, dates, clock, now,
    unwritten: (room) => shell.page.unwritten?.includes(room),
    unsent: (room) => outbox.entries(room),
    current: () => shell.room,
    chosen: () => (shell.comforts ? shell.comforts.chosen() : shell.room),
    signsOf: (room) => (room === shell.room ? shell.signs : shell.comforts?.signsOf(room)),
    onTotal: (count) => shell.comforts?.total(count),
  });
}

function strip({ ConnectionView }, shell) {
  const { t, clock, announcer, socket } = shell;
  shell.strip = new ConnectionView({ t, clock, say: (text) => announcer.status(text), onRetry: () => socket.wake() });
  if (globalThis.WebSocket) shell.strip.update(socket.connection);
  else shell.strip.tell(t("This browser cannot receive messages by itself. Reload this page to see what is new."));
}

function comforts(found, shell) {
  shell.comforts = found.comforts(shell);
  shell.comforts.connected(shell.socket.connection);
  shell.rows.renderSoon();
}
