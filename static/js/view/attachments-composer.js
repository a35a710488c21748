// What the composer of one chat does with files: menu, tray, voice messages, what is said of refused ones.

import { action, view } from "../lib/dom.js";
import { fileSize } from "../lib/file-size.js";
import { newId } from "../protocol/commands.js";
import { Tray } from "../state/attachments-tray.js";
import { openMenu } from "./attachments-menu.js";
import { canRecord } from "./attachments-microphone.js";
import { UploadRings } from "./attachments-progress.js";
import { TrayView } from "./attachments-tray.js";
import { VoiceButton } from "./attachments-record-button.js";

/** Without HEIC, so that iPhones convert their photos. */
const MEDIA = "image/jpeg,image/png,image/webp,image/gif,video/mp4,video/webm";
const MOST_PIXELS = 40_000_000;

/** Why files stay outside of a tray, which has refused them; or nothing. */
export function outsideText({ tooLarge, tooMany }, { max_bytes: most, per_message: count }, t) {
  const size = fileSize(most, document.documentElement.lang);
  const said = [];
  if (tooLarge.length === 1)
    said.push(t("{name} is larger than {size} and can’t be sent.", { name: tooLarge[0].name, size }));
  else if (tooLarge.length)
    said.push(t("{n} file is larger than {size}.|{n} files are larger than {size}.", { n: tooLarge.length, size }));
  if (tooMany.length) said.push(t("A message can have {n} file.|A message can have {n} files.", { n: count }));
  return said.join(" ");
}

/** What the composer of one chat does with files. */
export class ComposerFiles {
  #options;
  #form;
  #tray;
  #view = null;
  #player = null;

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
        const item = this.#tray.get(id);
        if (item && !item.width) this.#tray.change(id, { width, height });
        if (width * height > MOST_PIXELS)
          this.#unreadable(id, t("{name} has too many pixels for a picture. It will be sent as a file."));
      },
      listen: (id) => this.#listen(id),
    });
    this.rings = new UploadRings({ root, room, uploads, t, outbox: options.outbox });
    chat.tray = this.#tray;
    chat.composer.hasFiles = () => !chat.mode?.isEditing && this.#tray.read().isFilled;
    events.on("view", () => this.rings.draw());
    const attach = action("attach", root);
    attach.addEventListener("click", () => this.#menu(attach));
    root.addEventListener("click", (event) => this.#press(event));
    if (canRecord()) new VoiceButton({ ...options, tray: this.#tray, submit: () => this.#submit() });
    addEventListener("storage", ({ key }) => key?.endsWith(`:tray:${room}`) && this.#tray.reload());
    this.rings.draw();
    this.#form.dataset.takesFiles = "true";
  }

  /** As by its button. On a phone the keyboard on the screen stays away. */
  #submit() {
    const field = this.#form.elements.body;
    field.inputMode = "none";
    this.#form.requestSubmit();
    if (!matchMedia("(hover: hover)").matches) field.blur();
    field.inputMode = "";
  }

  /** Its tray was filled from elsewhere. */
  reload() {
    this.#tray.reload();
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
    const { added, ...outside } = this.#tray.add(files, { asFile });
    const said = [hasFolder ? t("Folders can’t be sent.") : "", outsideText(outside, limits(), t)];
    if (said.some(Boolean)) this.#say(said.filter(Boolean).join(" "));
    if (!added.length) return;
    announce(t("{n} file added|{n} files added", { n: added.length }));
    if (matchMedia("(hover: hover)").matches) session.chat.composer.focus();
    else this.#view.focus(added[0].id);
    session.chat.keeper.keep(() => {});
  }

  /** In the tray, where it is; a toast would cover it on a phone. */
  #say(text) {
    const { say, announce } = this.#options;
    if (!this.#tray.isFilled) return say(text);
    this.#view.note(text);
    announce(text);
  }

  /** Why no file can be added now, or null. */
  #refusal() {
    const { session, t, list } = this.#options;
    const { state, peer } = list.get(session.room);
    if (session.chat.mode?.isEditing) return t("Save the edited message first. Then files can be added.");
    if (state === "request") return t("Files can be sent once {name} has accepted.", { name: peer.name });
    return null;
  }

  /** A recording that waits in the tray; pressed again it ends. */
  #listen(id) {
    const wasPlaying = this.#player && !this.#player.paused;
    this.#player?.pause();
    const url = this.#options.files.urlOf(id);
    if (wasPlaying || !url) return;
    this.#player = new Audio(url);
    this.#player.play().catch(() => this.#say(this.#options.t("This browser can’t play it before it is sent.")));
  }

  #unreadable(id, text) {
    const item = this.#tray.get(id);
    if (!item || item.kind === "file") return;
    this.#tray.change(id, { kind: "file", isRefused: true });
    this.#say(text.replace("{name}", item.name));
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
