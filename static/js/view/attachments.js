// Files of the next message: chosen, taken with the camera, pasted or dropped; their tray, upload and failures. Loaded
// when idle.

import { view } from "../lib/dom.js";
import { newId } from "../protocol/commands.js";
import { UploadNews } from "../state/attachments-news.js";
import { idsInTrays, Tray } from "../state/attachments-tray.js";
import { LocalFiles } from "../state/local-files.js";
import { storedEntries } from "../state/outbox-entries.js";
import { Uploads } from "../state/uploads.js";
import { ComposerFiles, outsideText } from "./attachments-composer.js";
import { listenForFiles } from "./attachments-drop.js";

const LIMITS = { max_bytes: 100 * 1024 * 1024, per_message: 10 };

/** `tools` of view/chat-features.js, `net` is net/attachments.js. Returns {uploads, start(session), isAtRisk}. */
export function startAttachments(tools, net) {
  const { api, store, me, clock, outbox, events, shell, t, announce, toast } = tools;
  let limits = LIMITS;
  /** By session. */
  const composers = new WeakMap();
  const current = () => composers.get(shell.session) ?? null;
  const redraw = () => current()?.redraw();
  const say = (text) => (toast(text), announce(text));
  const files = new LocalFiles({ store: new net.AsyncStore({ store, user: me }), onLoaded: redraw });
  const news = new UploadNews({ announce, clock, t });
  const uploads = new Uploads({
    ...{ transport: net.uploadTransport(api), files, outbox, clock },
    makeStill: (blob) => import("./attachments-still.js").then(({ stillOf }) => stillOf(blob)),
    onChange(id) {
      current()?.rings.update(id);
      if (uploads.progressOf(id)?.isLimited)
        say(t("You’ve sent many files within the last hour. The upload goes on by itself."));
      const has = ({ command }) => command.attachments?.some((file) => file.id === id);
      const entry = shell.room && outbox.messages(shell.room).find(has);
      if (entry) news.tell(entry, (file) => uploads.progressOf(file));
    },
    stored: (id) => storedEntries(store).get(id)?.command ?? null,
  });
  events.on("change", (room) => room !== null && uploads.changed(room));
  events.on("frame", (event) => {
    if (event.type === "connection_established") limits = { ...limits, ...event.limits?.attachments };
  });
  const isWaiting = (id) =>
    [...storedEntries(store).values()].some(({ command }) => command.attachments?.some((file) => file.id === id));
  const isUsed = (id) => idsInTrays(store).includes(id) || isWaiting(id);
  forgetSent({ outbox, uploads, events, isUsed });
  outbox.prepare = uploads.prepare;
  outbox.reload();
  files.sweep(isUsed);
  const parts = { ...tools, files, uploads, limits: () => limits, say };
  if (new URLSearchParams(location.search).has(net.SHARED))
    net.takeShared(globalThis.caches).then((shared) => offerShared(shared, parts, composers));
  listenForFiles({
    target: () => current()?.target ?? null,
    refuse: () => say(shell.session ? t("Files can’t be sent in this chat.") : t("Open a chat to send files.")),
  });
  return {
    uploads,
    start(session) {
      if (!view("composer", session.root) || composers.has(session)) return;
      composers.set(session, new ComposerFiles({ ...parts, session }));
    },
    get isAtRisk() {
      return files.isAtRisk(isUsed);
    },
  };
}

/** Pictures of another app: the user chooses a chat, in whose tray they wait; what was said of them in its draft. */
function offerShared(shared, { t, say, shell, store, drafts, files, limits, go, askForChat }, composers) {
  history.replaceState(history.state, "", location.pathname);
  if (!shared.files.length) return say(t("The pictures couldn’t be taken over. Share them again."));
  askForChat(t("Send to…"), (chat) => {
    if (!chat) return say(t("The chat couldn’t be opened."));
    const { room } = chat;
    const nothing = () => {};
    const tray = new Tray({ room, store, files, newId, limits, onChange: nothing, dropped: nothing });
    const outside = outsideText(tray.add(shared.files), limits(), t);
    if (outside) say(outside);
    const session = shell.chats.get(room);
    composers.get(session)?.reload();
    if (shared.caption) {
      const text = [drafts.get(room)?.text, shared.caption].filter(Boolean).join("\n");
      drafts.set(room, { text, caret: text.length });
      drafts.flush();
      session?.chat.followText({ text });
    }
    if (shell.room !== room) go(room);
  });
}

/** The bytes of what was sent are no longer needed here. A discarded message can be taken back for some seconds. */
function forgetSent({ outbox, uploads, events, isUsed }) {
  const held = new Map();
  events.on("change", (room) => {
    if (room === null) return;
    const now = new Map();
    for (const { id, command, state } of outbox.messages(room))
      if (command.attachments && state !== "accepted") now.set(id, command.attachments);
    for (const [id, attachments] of held.get(room) ?? []) {
      if (now.has(id) || outbox.get(id)?.state !== "accepted") continue;
      uploads.drop(
        attachments.map((file) => file.id).filter((file) => !isUsed(file)),
        { isSent: true },
      );
    }
    held.set(room, now);
  });
}
