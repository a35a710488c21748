// Files of the next message: chosen, taken with the camera, pasted or dropped; their tray, upload and failures. Loaded
// when idle.

import { action, view } from "../lib/dom.js";
import { fileSize } from "../lib/file-size.js";
import { newId } from "../protocol/commands.js";
import { idsInTrays, Tray } from "../state/attachments-tray.js";
import { LocalFiles } from "../state/local-files.js";
import { storedEntries } from "../state/outbox-entries.js";
import { Uploads } from "../state/uploads.js";
import { listenForFiles } from "./attachments-drop.js";
import { openMenu } from "./attachments-menu.js";
import { UploadRings } from "./attachments-progress.js";
import { TrayView } from "./attachments-tray.js";

/** Without HEIC, so that iPhones convert their photos. */
const MEDIA = "image/jpeg,image/png,image/webp,image/gif,video/mp4,video/webm";
const MOST_PIXELS = 40_000_000;
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
  const uploads = new Uploads({
    ...{ transport: net.uploadTransport(api), files, outbox, clock },
    makeStill: (blob) => import("./attachments-still.js").then(({ stillOf }) => stillOf(blob)),
    onChange: (id) => current()?.rings.update(id),
  });
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

/** What the composer of one chat does with files. */
class ComposerFiles {
  #options;
  #form;
  #tray;
  #view = null;

  constructor(options) {
    this.#options = options;
    const { session, store, files, limits, uploads, t, announce } = options;
    const { root, room, chat, events } = session;
    this.#form = view("composer", root);
    this.#tray = new Tray({
      ...{ room, store, files, newId, limits },
      onChange: () => this.#view?.render(),
      dropped: (ids) => uploads.drop(ids),
    });
    this.#view = new TrayView({
      ...{ root, tray: this.#tray, files, t, announce },
      language: document.documentElement.lang,
      leave: () => chat.composer.focus(),
      unreadable: (id) => this.#unreadable(id, t("{name} can’t be shown as a picture. It will be sent as a file.")),
      measured: (id, width, height) => {
        if (width * height > MOST_PIXELS)
          this.#unreadable(id, t("{name} has too many pixels for a picture. It will be sent as a file."));
      },
      listen: () => {},
    });
    this.rings = new UploadRings({ root, room, uploads, t, outbox: options.outbox });
    chat.tray = this.#tray;
    events.on("view", () => this.rings.draw());
    const attach = action("attach", root);
    attach.addEventListener("click", () => this.#menu(attach));
    root.addEventListener("click", (event) => this.#press(event));
    addEventListener("storage", ({ key }) => key?.endsWith(`:tray:${room}`) && this.#tray.reload());
    this.rings.draw();
    this.#form.dataset.takesFiles = "true";
  }

  redraw() {
    this.#view.render();
    const { chat } = this.#options.session;
    chat.page.redraw();
    chat.render();
  }

  get target() {
    const { session, t, list } = this.#options;
    const { name } = list.get(session.room).peer;
    return {
      pane: session.root,
      label: t("Drop to add to your message to {name}", { name }),
      add: (files, hasFolder) => this.#add(files, { hasFolder }),
    };
  }

  #menu(anchor) {
    const isTouch = matchMedia("(pointer: coarse)").matches;
    const allowed = ["media", ...(isTouch ? ["camera"] : []), "file"];
    openMenu({ template: "attach-menu", anchor, allowed, onDo: (name) => this.#pick(name) });
  }

  #pick(name) {
    const input = Object.assign(document.createElement("input"), { type: "file", multiple: name !== "camera" });
    if (name === "media") input.accept = MEDIA;
    if (name === "camera") {
      input.accept = "image/*";
      input.capture = "environment";
    }
    input.addEventListener("change", () => this.#add([...input.files], { asFile: name === "file" }));
    input.click();
  }

  /** Adds what may be sent, and says what may not. */
  #add(files, { asFile = false, hasFolder = false } = {}) {
    const { session, t, say, announce, limits } = this.#options;
    const refusal = this.#refusal();
    if (refusal) return say(refusal);
    const { added, tooLarge, tooMany } = this.#tray.add(files, { asFile });
    const { max_bytes: most, per_message: count } = limits();
    const size = fileSize(most, document.documentElement.lang);
    const said = [];
    if (hasFolder) said.push(t("Folders can’t be sent."));
    if (tooLarge.length === 1)
      said.push(t("{name} is larger than {size} and can’t be sent.", { name: tooLarge[0].name, size }));
    else if (tooLarge.length)
      said.push(t("{n} file is larger than {size}.|{n} files are larger than {size}.", { n: tooLarge.length, size }));
    if (tooMany.length) said.push(t("A message can have {n} file.|A message can have {n} files.", { n: count }));
    if (said.length) say(said.join(" "));
    if (!added.length) return;
    announce(t("{n} file added|{n} files added", { n: added.length }));
    if (matchMedia("(hover: hover)").matches) session.chat.composer.focus();
    else this.#view.focus(added[0].id);
    session.chat.keeper.keep(() => {});
  }

  /** Why no file can be added now, or null. */
  #refusal() {
    const { session, t, list } = this.#options;
    const { state, peer } = list.get(session.room);
    if (session.chat.mode?.isEditing) return t("Save the edited message first. Then files can be added.");
    if (state === "request") return t("Files can be sent once {name} has accepted.", { name: peer.name });
    return null;
  }

  #unreadable(id, text) {
    const item = this.#tray.get(id);
    if (!item || item.kind === "file") return;
    this.#tray.change(id, { kind: "file", isRefused: true });
    this.#options.say(text.replace("{name}", item.name));
  }

  #press({ target }) {
    const id = target.closest("[data-id]")?.dataset.id;
    const { uploads } = this.#options;
    if (target.closest('[data-action="send-as-file"]')) return uploads.sendAsFile(id);
    const cancel = target.closest('[data-action="cancel-upload"]');
    if (cancel) this.#cancel(id, cancel.closest("[data-file]").dataset.file);
  }

  #cancel(messageId, fileId) {
    const { uploads, announce, t, session } = this.#options;
    if (!uploads.cancel(messageId, fileId)) return;
    announce(t("Upload cancelled"));
    session.chat.composer.focus();
  }
}
