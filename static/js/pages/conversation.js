// Entry of a chat: the list and the open conversation, live over one socket.

import { view } from "../lib/dom.js";
import { ReadMarker } from "../state/read-marker.js";
import { Timeline } from "../state/timeline.js";
import { listenForButtons } from "../view/buttons.js";
import { ChatView } from "../view/chat-view.js";
import { Shell } from "./shell.js";

const shell = new Shell();
const { page, room, me, t, dates, clock, list, outbox, drafts, feed, receipts, announcer } = shell;
const root = view("chat");

const timeline = new Timeline();
timeline.load(page.messages, page.version, { complete: !page.has_older });
list.put(page.conversation);
feed.openRoom({ room, timeline, mark: page.conversation.mark });

const marker = new ReadMarker({ clock, onRead: (seq) => receipts.read(room, seq) });
const isAttentive = () => !document.hidden && document.hasFocus();
for (const type of ["focus", "blur"]) window.addEventListener(type, () => marker.attention(isAttentive()));
document.addEventListener("visibilitychange", () => marker.attention(isAttentive()));
for (const type of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"]) window.addEventListener(type, () => marker.input(), { passive: true });

let history = null;
async function loadOlder(seq) {
  const { History } = await import("../net/history.js");
  history ??= new History({ api: shell.api, room });
  return history.before(seq);
}

async function offerUndo(entry) {
  const { toast } = await import("../view/toast.js");
  toast(t("Message deleted"), { clock, button: { label: t("Undo"), onPress: () => outbox.restore(entry) } });
}

shell.chat = new ChatView({
  root, room, me, peerName: page.conversation.peer.name, timeline, outbox, list, drafts, t, dates, clock, loadOlder,
  dividerFrom: page.conversation.unread ? page.conversation.read_count : null,
  on: {
    seen: (seq) => marker.shows(seq),
    undo: offerUndo,
    failed: () => announcer.alert(t("Not sent.")),
    isAway: () => shell.socket.connection.name !== "live",
  },
});
marker.attention(isAttentive(), { isReturn: false });
listenForButtons(shell);
shell.start();
