// Entry of a chat: the list and the open conversation, live over one socket.

import { part, view } from "../lib/dom.js";
import { whenIdle } from "../lib/timing.js";
import { ReadMarker } from "../state/read-marker.js";
import { Timeline } from "../state/timeline.js";
import { ChatView } from "../view/chat-view.js";
import { Shell } from "./shell.js";

// Fetched when there is time, and not at the press: then there may be no connection.
const later = (load) => new Promise((done) => whenIdle(() => load().then(done, () => {})));

function watchReader(room, { clock, receipts }) {
  const marker = new ReadMarker({ clock, onRead: (seq) => receipts.read(room, seq) });
  const look = (options) => marker.attention(!document.hidden && document.hasFocus(), options);
  for (const type of ["focus", "blur"]) window.addEventListener(type, () => look());
  document.addEventListener("visibilitychange", () => look());
  for (const type of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"]) window.addEventListener(type, () => marker.input(), { passive: true });
  look({ isReturn: false });
  return marker;
}

function openChat(root, shell) {
  const { page, room, t, clock, list, outbox } = shell;
  const { conversation } = page;
  const timeline = new Timeline();
  timeline.load(page.messages, page.version, { complete: !page.has_older });
  list.put(conversation);
  shell.feed.openRoom({ room, timeline, mark: conversation.mark });

  const marker = watchReader(room, shell);
  const history = later(() => import("../net/history.js")).then(({ History }) => new History({ api: shell.api, room }));
  const toasts = later(() => import("../view/toast.js"));
  const undo = async (entry) => (await toasts).toast(t("Message deleted"), { clock, button: { label: t("Undo"), onPress: () => outbox.restore(entry) } });

  shell.chat = new ChatView({
    ...shell, root, timeline,
    peerName: conversation.peer.name,
    dividerFrom: conversation.unread ? conversation.read_count : null,
    loadOlder: async (seq) => (await history).before(seq),
    on: {
      seen: (seq) => marker.shows(seq),
      undo,
      failed: () => shell.announcer.alert(t("Not sent.")),
      isAway: () => shell.socket.connection.name !== "live",
    },
  });
  later(() => import("../view/signs-view.js")).then(({ SignsView }) => {
    const { keeper } = shell.chat;
    const send = (command) => shell.socket.send(command);
    shell.signs = new SignsView({ ...shell, root, keeper, send, peer: conversation.peer.id, showsTyping: page.shows_typing, onChange: () => shell.rows.renderSoon() });
    shell.signs.connected(shell.socket.connection);
  });
}

const shell = new Shell();
const root = view("chat");
// A page of older messages, opened by the link that works without scripts, is not live: its end is not the end.
if (part(root, "under")) openChat(root, shell);
shell.start();
