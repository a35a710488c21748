// What the composer is for: a new message, a reply, or an edit (docs/interface.md D4, X8). Loaded when idle.

import { cloneTemplate, part, setText, view } from "../lib/dom.js";
import { shownText } from "./bodies.js";

const key = (room) => `mode:${room}`;

export class ComposerMode {
  #options;
  #form;
  #strip = null;
  /** {kind: "reply" or "edit", seq} or null; and the message that had the focus before. */
  #mode = null;
  #cameFrom = null;
  /** What stood in the message box before an edit. */
  #draft = null;

  /**
   * `root`, `room`, `chat`, `timeline`, `commands`, `drafts`, `store`, `me`, `t`; `peerName()`; `shownOf(seq)` -> the
   * message as it is shown, or null; `saved(message, body)`: the edit is done.
   */
  constructor(options) {
    this.#options = options;
    this.#form = view("composer", options.root);
    if (!this.#form) return;
    const { store, room } = options;
    const kept = store.get(key(room));
    if (kept?.kind === "reply") this.reply(kept.seq, { isQuiet: true });
    if (kept?.kind === "edit") this.edit(kept.seq, { text: kept.text, isQuiet: true });
  }

  get isEditing() {
    return this.#mode?.kind === "edit";
  }

  get canWrite() {
    return Boolean(this.#form);
  }

  reply(seq, { isQuiet = false } = {}) {
    const message = this.#options.shownOf(seq);
    if (!this.#form || !message || message.deleted_at || message.deleted_for_me) return this.#forget();
    this.leave({ isQuiet: true });
    const { t, me, peerName } = this.#options;
    const title = message.sender === me ? t("Reply to yourself") : t("Reply to {name}", { name: peerName() });
    this.#enter({ kind: "reply", seq }, title, message, isQuiet);
  }

  /** `text`: what had been changed before a reload. */
  edit(seq, { text = null, isQuiet = false } = {}) {
    const { commands, chat, t, shownOf } = this.#options;
    const message = shownOf(seq);
    if (!this.#form || !message || !commands.canEdit(message)) return this.#forget();
    this.leave({ isQuiet: true });
    // The draft stays where it is stored, and returns with its caret when the edit ends.
    chat.keepDraft();
    this.#draft = chat.composer.draft;
    this.#enter({ kind: "edit", seq, of: message.body }, t("Edit message"), message, isQuiet);
    chat.composer.show({ text: text ?? message.body });
    this.#store(text);
  }

  /** Back to a new message, with the draft and its caret. */
  leave({ isQuiet = false } = {}) {
    if (!this.#mode) return;
    const wasEdit = this.isEditing;
    const back = this.#cameFrom?.isConnected ? this.#cameFrom : this.#form.elements.body;
    this.#end();
    if (!isQuiet) back.focus({ preventScroll: true });
    if (wasEdit) this.#restoreDraft();
  }

  #restoreDraft() {
    const { chat, drafts, room } = this.#options;
    const kept = drafts.get(room) ?? { text: "" };
    const isSame = kept.text === this.#draft?.text;
    chat.composer.show(isSame ? this.#draft : kept);
  }

  /** The composer's text changed. True while it is no draft. */
  change({ text }) {
    if (!this.isEditing) return false;
    this.#store(text);
    return true;
  }

  /** The user sends: {isEdit} when that was an edit, {reply_to} for a reply. */
  submit(body) {
    const mode = this.#mode;
    if (!mode) return {};
    this.#end();
    if (mode.kind === "reply") return { reply_to: mode.seq };
    this.#restoreDraft();
    this.#options.saved(mode.seq, body);
    return { isEdit: true };
  }

  /** The message changed: a deleted one can neither be answered nor edited. The text of an edit is kept as a draft. */
  check() {
    if (!this.#mode) return;
    const { shownOf, chat, drafts, room } = this.#options;
    const { kind, seq, of } = this.#mode;
    const message = shownOf(seq);
    if (!message || !(message.deleted_at || message.deleted_for_me)) {
      if (message) this.#quote(kind === "edit" ? { body: of } : message);
      return;
    }
    const { text } = chat.composer.draft;
    const isLost = kind === "edit" && text !== of && text.trim();
    this.leave({ isQuiet: true });
    if (!isLost) return;
    const kept = [text, drafts.get(room)?.text].filter(Boolean).join("\n");
    chat.composer.show({ text: kept });
    drafts.set(room, { text: kept, caret: text.length });
  }

  #enter(mode, title, quoted, isQuiet) {
    this.#cameFrom = document.activeElement?.closest?.("article");
    this.#mode = mode;
    this.#strip = cloneTemplate("composer-mode");
    this.#strip.dataset.kind = this.#form.dataset.mode = mode.kind;
    setText(part(this.#strip, "title"), title);
    this.#quote(quoted);
    part(this.#strip, "leave").addEventListener("click", () => this.leave());
    part(this.#form, "send").parentElement.before(this.#strip);
    this.#form.elements.body.setAttribute("aria-describedby", "composer-mode");
    this.#name();
    this.#store();
    if (!isQuiet) this.#options.chat.composer.focus();
  }

  #quote({ body, attachments }) {
    const text = shownText({ body: body.slice(0, 500), attachments }, this.#options.t);
    setText(part(this.#strip, "quoted"), text.replace(/\s+/g, " "));
  }

  #end() {
    this.#mode = null;
    this.#strip?.remove();
    delete this.#form.dataset.mode;
    this.#form.elements.body.removeAttribute("aria-describedby");
    this.#name();
    this.#forget();
  }

  #name() {
    const { t } = this.#options;
    const send = part(this.#form, "send");
    const label = this.isEditing ? t("Save") : t("Send");
    send.setAttribute("aria-label", label);
    send.title = label;
  }

  #store(text) {
    const { store, room } = this.#options;
    const { kind, seq } = this.#mode;
    store.set(key(room), { kind, seq, ...(text != null && { text }) });
  }

  #forget() {
    this.#options.store.remove(key(this.#options.room));
  }

  /** Escape leaves, ArrowUp in an empty message box edits, ArrowDown at its end leaves the edit. */
  key(event) {
    const { timeline, chat, shownOf, commands } = this.#options;
    if (!this.#form || event.defaultPrevented) return;
    const isElsewhere = event.target.closest?.("dialog, [popover]") || document.querySelector("dialog[open]");
    const field = this.#form.elements.body;
    if (event.key === "Escape" && this.#mode && !isElsewhere) {
      event.preventDefault();
      event.stopPropagation();
      return this.leave();
    }
    if (event.target !== field || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowDown" && this.isEditing && isAtEnd(field)) {
      event.preventDefault();
      return this.leave();
    }
    if (event.key !== "ArrowUp" || field.value || this.#mode) return;
    const last = timeline.messages.findLast(({ seq }) => chat.elementOf(seq) && commands.canEdit(shownOf(seq)));
    if (!last) return;
    event.preventDefault();
    this.edit(last.seq);
  }
}

/** On the last line of the text: the arrow would lead nowhere. */
const isAtEnd = ({ value, selectionEnd }) => selectionEnd === value.length;
