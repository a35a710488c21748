// What a user can do with a message of one chat, whatever opened it: menu, toolbar, key, swipe. Loaded when idle.

import { isComposing } from "../lib/keys.js";
import { EmojiRecents } from "../state/emoji-recents.js";
import { applied, MessageCommands, reactionOf } from "../state/message-commands.js";
import { ComposerMode } from "./composer-mode.js";
import { copyText } from "./clipboard.js";
import { askDeletion, showInfo } from "./message-dialogs.js";
import { MessageExtras } from "./message-extras.js";
import { MessageSelection } from "./message-selection.js";
import { lineOf } from "./message-copy.js";
import { listenForUnsent } from "./unsent-actions.js";

const changesMessages = ({ command }) => "seq" in command;

export class MessageActions {
  #options;
  #commands;
  #mode;
  #selection;

  /**
   * `root`, `room`, `me`, `chat`, `timeline`, `list` (rows of chats), `outbox`, `drafts`, `store`, `events` of the
   * session, `t`, `dates`, `clock`, `now`; `announce(text)`, `toast(text, button)`;
   * `forward(room, messages)` asks where to.
   */
  constructor(options) {
    const { root, room, me, chat, outbox, timeline, list } = (this.#options = options);
    this.#commands = new MessageCommands(options);
    const peerName = () => list.get(room).peer.name;
    const shownOf = (seq) => this.#shown(timeline.get(seq));
    chat.applied = (messages) => this.#applied(messages);
    chat.page.extend(new MessageExtras({ ...options, peerName }));
    const saved = (seq, body) => this.#saved(seq, body);
    this.#mode = chat.mode = new ComposerMode({ ...options, peerName, shownOf, saved, commands: this.#commands });
    this.#selection = new MessageSelection({ ...options, messageOf: (li) => this.#messageOf(li), actions: this });
    root.addEventListener("click", (event) => this.#press(event));
    listenForUnsent(options);
    chat.render();
    // What failed before this was loaded.
    if (outbox.entries(room).length) this.changed();
  }

  /** Something of this room has changed: an answer, an event, the outbox. */
  changed() {
    const { room, timeline } = this.#options;
    this.#mode.check();
    for (const entry of this.#commands.settleFailed(room, (seq) => timeline.get(seq))) this.#report(entry);
  }

  /** A key that was pressed anywhere while this chat is on the screen. */
  key(event) {
    if (!isComposing(event) && !this.#selection.key(event)) this.#mode.key(event);
  }

  /** The names of what can be done with the message of this element. */
  allowed(li) {
    const message = this.#messageOf(li);
    if (!message || this.#selection.isOn) return new Set();
    const isStored = Boolean(message.seq);
    const isThere = !message.deleted_at;
    const hasFiles = Boolean(message.attachments?.length);
    const can = {
      reply: isStored && isThere && this.#mode.canWrite,
      react: isStored && isThere && message.kind === "text" && this.#mode.canWrite,
      edit: this.#mode.canWrite && this.#commands.canEdit(message),
      copy: isThere && Boolean(message.body),
      open: isThere && hasFiles,
      download: isStored && isThere && hasFiles,
      link: isStored && isThere,
      forward: isStored && isThere && message.kind === "text",
      select: isStored,
      info: isStored && isThere,
      remove: isStored,
    };
    return new Set(Object.keys(can).filter((name) => can[name]));
  }

  /** The six emoji of the reaction bar, and which of them is mine on this message. */
  reactions(li) {
    const mine = reactionOf(this.#messageOf(li), this.#options.me);
    const recent = new EmojiRecents(this.#options).quick();
    return { mine, emoji: mine && !recent.includes(mine) ? [...recent.slice(0, -1), mine] : recent };
  }

  run(name, li, detail = null) {
    if (!li || !this.allowed(li).has(name)) return;
    const message = this.#messageOf(li);
    const DO = {
      reply: () => this.#mode.reply(message.seq),
      react: () => this.react(message.seq, detail),
      edit: () => this.#mode.edit(message.seq),
      copy: () => this.#copy(message.body),
      open: () => this.#options.shell.media?.open(li),
      download: () => this.#options.shell.media?.downloadAll(message.attachments),
      link: () => this.#copyLink(message.seq),
      forward: () => this.forward([message.seq]),
      select: () => this.#selection.begin(li),
      info: () => showInfo({ message, ...this.#options, ...this.#receipts }),
      remove: () => this.remove([message.seq]),
    };
    return DO[name]();
  }

  react(seq, emoji) {
    const { room, store, timeline } = this.#options;
    new EmojiRecents({ store }).used(emoji);
    this.#commands.react({ room, message: timeline.get(seq), emoji });
  }

  /** `done()` when a chat was chosen. */
  forward(seqs, done) {
    const { room, timeline } = this.#options;
    const messages = seqs.map((seq) => this.#shown(timeline.get(seq)));
    this.#options.forward(room, messages, done);
  }

  /** One message as it was typed; of several each with time and sender (docs/interface.md T5). */
  copyLines(elements) {
    const lines = elements.map((li) => [li, this.#messageOf(li).body]);
    return this.#copy(lines.length === 1 ? lines[0][1] : lines.map(([li, body]) => lineOf(li, body)).join("\n"));
  }

  /** Asks for whom, and offers to undo it. Returns whether something is deleted. */
  async remove(seqs) {
    const { room, me, timeline, outbox, t, toast, list } = this.#options;
    const messages = seqs.map((seq) => this.#shown(timeline.get(seq))).filter(Boolean);
    const forBoth = messages.every(({ sender, deleted_at: at }) => sender === me && !at);
    const scope = await askDeletion({ messages, forBoth, peerName: list.get(room).peer.name, t });
    if (!scope) return false;
    const entries = messages.map((message) => this.#commands.remove({ room, message, scope }));
    const undo = () => entries.forEach(({ id }) => outbox.withdraw(id));
    const n = entries.length;
    const text = n === 1 ? t("Message deleted") : t("{n} message deleted|{n} messages deleted", { n });
    toast(text, { label: t("Undo"), onPress: undo });
    return true;
  }

  get #receipts() {
    const { peer_read: read = 0, peer_delivered: delivered = 0, peer } = this.#options.list.get(this.#options.room);
    return { read, delivered, peer };
  }

  #messageOf(li) {
    const { timeline, outbox, room, me } = this.#options;
    if (!li) return null;
    if (li.dataset.seq) return this.#shown(timeline.get(Number(li.dataset.seq)));
    const entry = outbox.messages(room).find(({ id }) => id === li.dataset.id);
    return entry ? { seq: null, sender: me, kind: "text", body: entry.command.body } : null;
  }

  #shown(message) {
    const { room } = this.#options;
    return message && this.#commands.shown(room, message);
  }

  #applied(messages) {
    const { outbox, room, me } = this.#options;
    const entries = outbox.entries(room).filter(changesMessages);
    return entries.length ? messages.map((message) => applied(message, entries, me)) : messages;
  }

  #saved(seq, body) {
    const { room, timeline, chat } = this.#options;
    this.#commands.edit({ room, message: timeline.get(seq), body });
    chat.renderNow();
  }

  #press(event) {
    const { chat, timeline, room, outbox } = this.#options;
    const li = event.target.closest("li[data-id]");
    if (!li || event.ctrlKey || event.metaKey || this.#selection.isOn) return;
    const quote = event.target.closest('[data-part="quote"]');
    const chip = event.target.closest("button[data-emoji]");
    const name = event.target.closest('[data-part="edit-failure"] [data-do]')?.dataset.do;
    const seq = Number(li.dataset.seq);
    if (quote) {
      event.preventDefault();
      return this.#jump(new URL(quote.href).searchParams.get("m"));
    }
    if (chip && this.allowed(li).has("react")) return this.react(seq, chip.dataset.emoji);
    if (event.target.closest('[data-part="edited"]')) return this.run("info", li);
    const failed = name && this.#messageOf(li).failed;
    if (!failed) return;
    const message = timeline.get(seq);
    if (name === "copy-mine") return this.#copy(failed.body);
    if (name === "keep-mine") return void this.#commands.insist({ room, message, id: failed.id });
    outbox.discard(failed.id);
    if (name === "edit-again") this.#mode.edit(seq, { text: failed.body });
    chat.render();
    if (name === "drop-mine") li.querySelector("article").focus({ preventScroll: true });
  }

  async #jump(seq) {
    const { events, t } = this.#options;
    events.emit("to-message", { seq: Number(seq), missing: () => this.#say(t("This message can’t be found.")) });
  }

  #copy(text) {
    const { t } = this.#options;
    return copyText(text).then((isDone) =>
      this.#say(isDone ? t("Copied") : t("This browser doesn’t let the page copy. Select the text and copy it.")),
    );
  }

  async #copyLink(seq) {
    const { room, t } = this.#options;
    const link = `${location.origin}/chats/${room}/?m=${seq}`;
    this.#say(
      (await copyText(link))
        ? t("Link copied")
        : `${t("This browser doesn’t let the page copy. Select the text and copy it.")} ${link}`,
    );
  }

  #report({ command: { type }, reason }) {
    const { t } = this.#options;
    const known = {
      gone: t("This message was deleted."),
      forbidden: t("Only the author can delete a message for both."),
      cannot_deliver: t("You can’t write to this person now."),
    };
    const failed = type === "reaction.set" ? t("Your reaction wasn’t saved.") : t("The message wasn’t deleted.");
    this.#say(known[reason] ? `${failed} ${known[reason]}` : failed);
  }

  #say(text) {
    const { announce, toast } = this.#options;
    toast(text);
    announce(text);
  }
}
