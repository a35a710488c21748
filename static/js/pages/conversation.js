// Entry of a chat: the list and the open conversation, live over one socket.

import { part, view } from "../lib/dom.js";
import { whenIdle } from "../lib/timing.js";
import { Timeline } from "../state/timeline.js";
import { ChatView, watchReader } from "../view/chat-view.js";
import { keptPlace } from "../view/scroll-keeper.js";
import { Shell } from "./shell.js";

// Fetched when there is time, and not at the press: then there may be no connection.
const later = (load) => new Promise((done) => whenIdle(() => load().then(done, () => {})));

function openChat(root, shell) {
  const { page, room, t, clock, list, outbox } = shell;
  const { conversation } = page;
  const timeline = new Timeline();
  timeline.load(page.messages, page.version, { complete: !page.has_older });
  if (page.window) timeline.replace(page.window, { complete: !page.window_has_older });
  list.put(conversation);
  shell.feed.openRoom({ room, timeline, mark: conversation.mark });

  const marker = watchReader(room, shell);
  const toasts = later(() => import("../view/toast.js"));
  const undo = async (entry) => (await toasts).toast(t("Message deleted"), { clock, button: { label: t("Undo"), onPress: () => outbox.restore(entry) } });

  const place = page.opens_at ? { seq: page.opens_at } : keptPlace(room, timeline.newest?.seq);

  shell.chat = new ChatView({
    ...shell, root, timeline,
    peerName: conversation.peer.name,
    dividerFrom: conversation.unread ? conversation.read_count : null,
    place,
    on: {
      seen: (seq) => marker.shows(seq),
      undo,
      failed: () => shell.announcer.alert(t("Not sent.")),
      isAway: () => shell.socket.connection.name !== "live",
    },
  });
  const { keeper } = shell.chat;
  const tools = { ...shell, root, timeline, keeper, say: (text) => shell.announcer.status(text), send: (command) => shell.socket.send(command) };
  later(() => Promise.all([import("../net/history.js"), import("../view/history-view.js")])).then(([{ History }, { HistoryView }]) => {
    shell.chat.history = new HistoryView({ ...tools, chat: shell.chat, history: new History({ api: shell.api, room }), seen: conversation.read_count, place });
  });
  later(() => import("../view/signs-view.js")).then(({ SignsView }) => {
    shell.signs = new SignsView({ ...tools, peer: conversation.peer.id, showsTyping: page.shows_typing, onChange: () => shell.rows.renderSoon() });
    shell.signs.connected(shell.socket.connection);
  });
}

const shell = new Shell();
const root = view("chat");
// A page of older messages, opened by the link that works without scripts, is not live: its end is not the end.
if (part(root, "under")) openChat(root, shell);
shell.start();
