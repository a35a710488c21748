// The list of conversations: one row for each, and the total of unread messages in the title.

import { cloneTemplate, part, setData, setText, showFace } from "../lib/dom.js";
import { cut } from "../lib/body.js";
import { safely } from "../lib/errors.js";
import { applied } from "../state/message-commands.js";
import { trayOf } from "../state/attachments-tray.js";
import { ICONS } from "../state/attachments-words.js";
import { bodiesLoaded, shownText } from "./bodies.js";
import { setIcon } from "./icons.js";

const HOLD_MS = 3_000;
/** More of a body than a row can show, even after its signs are taken out. */
const ENOUGH = 1_000;
const preview = ({ body = "", attachments }, t) => shownText({ body: body.slice(0, ENOUGH), attachments }, t);
const iconOf = ({ attachments }) => ICONS[attachments?.[0]?.kind] ?? null;
const isWaiting = (entry) => entry.state !== "accepted";
const shown = (count) => (count > 99 ? "99+" : String(count));

export class ListView {
  #rows;
  #options;
  #elements = new Map();
  /** The title of the page. The unread number is added here, not parsed: a user may be called "(12) Mona". */
  #title = document.title;
  #heldSince = null;
  #isDue = false;

  /**
   * `root`, `state` (ConversationList), `drafts`, `store`, `outbox`, `me`, `t`, `dates`, `clock`, `now`; `current()` ->
   * the room on the screen, `chosen()` -> the room chosen last, or null; `presenceOf(room)` {typing, online};
   * `unsent(room)` messages of the outbox; `onTotal(count)`; `isUnwritten(room)`: opened from People, without a message
   * so far.
   */
  constructor(options) {
    const { root } = (this.#options = options);
    this.#rows = root?.querySelector('[data-view="rows"]') ?? null;
    bodiesLoaded.then(() => this.renderSoon());
    for (const type of ["focus", "blur"]) window.addEventListener(type, () => this.renderSoon());
    for (const element of this.#rows?.querySelectorAll("[data-room]") ?? [])
      this.#elements.set(element.dataset.room, element);
  }

  /** The title of the page, without the number of unread messages before it. */
  get title() {
    return this.#title;
  }

  set title(text) {
    this.#title = document.title = text;
    this.renderSoon();
  }

  /** Changes of one task are drawn together. */
  renderSoon() {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => this.render());
  }

  /** ListSync that only the HTML knows yet stay where they are, at the end. */
  render() {
    this.#isDue = false;
    const { state, now } = this.#options;
    if (state.loaded) this.#total(state.total(now(), this.#watched));
    if (!this.#rows) return;
    const rows = this.shown;
    for (const [room, element] of this.#elements)
      if (this.#isEmpty(state.get(room))) (element.remove(), this.#elements.delete(room));
    for (const row of rows) safely(() => this.#fill(this.#elements.get(row.room) ?? this.#make(row.room), row));
    const empty = this.#options.root.querySelector('[data-part="empty"]');
    if (empty && rows.length) empty.hidden = true;
    this.#order(rows);
  }

  /** In the order of the list. */
  get shown() {
    return this.#options.state.rows.filter((row) => !this.#isEmpty(row));
  }

  #isEmpty(row) {
    const { chosen, current, unsent, isUnwritten } = this.#options;
    if (!row || row.last_message || !isUnwritten(row.room)) return false;
    return ![chosen(), current()].includes(row.room) && !this.#draft(row.room) && !unsent(row.room).length;
  }

  /** {text, icon} of what was typed or chosen there and not sent, or null. */
  #draft(room) {
    const { drafts, store, t } = this.#options;
    const files = { attachments: trayOf(store, room) };
    const text = drafts.get(room)?.text || shownText(files, t);
    return text || files.attachments.length ? { text, icon: iconOf(files) } : null;
  }

  /** The chat that the user sees shows no number: it would flicker until the receipt is back. */
  get #watched() {
    return document.hasFocus() ? this.#options.current() : null;
  }

  #make(room) {
    const element = cloneTemplate("row");
    element.dataset.room = room;
    element.querySelector("a").href = `/chats/${room}/`;
    this.#elements.set(room, element);
    this.#rows.append(element);
    return element;
  }

  /**
   * So that no wrong row is pressed, rows do not move under the pointer or the focus, for at most three seconds
   * (docs/interface.md C1).
   */
  #order(rows) {
    const wanted = rows.map((row) => this.#elements.get(row.room));
    const isRight = wanted.every((element, index) => this.#rows.children[index] === element);
    const { clock } = this.#options;
    const isBusy = this.#rows.matches(":hover") || this.#rows.contains(document.activeElement);
    if (!isRight && isBusy && clock.now() - (this.#heldSince ??= clock.now()) < HOLD_MS) {
      clock.after(500, () => this.render());
      return;
    }
    this.#heldSince = null;
    if (!isRight)
      for (const [index, element] of wanted.entries())
        if (this.#rows.children[index] !== element)
          this.#rows.insertBefore(element, this.#rows.children[index] ?? null);
  }

  #fill(element, row) {
    const { t, dates, chosen, presenceOf, unsent } = this.#options;
    const presence = presenceOf(row.room);
    const avatar = part(element, "avatar");
    setData(avatar, "online", presence?.online);
    setText(part(element, "online-word"), presence?.online ? t("online") : "");
    showFace(avatar, row.peer);
    setData(avatar, "colour", row.peer.colour);
    setText(part(element, "name"), row.peer.name);
    this.#preview(element, row, presence?.typing);
    const time = part(element, "time");
    const at = unsent(row.room).findLast(isWaiting)?.at ?? row.activity;
    if (at) time.setAttribute("datetime", new Date(at).toISOString());
    setText(time, at ? dates.listTime(at) : "");
    const badge = part(element, "badge");
    const unread = row.room === this.#watched ? 0 : row.unread;
    setText(badge, unread ? shown(unread) : "");
    badge.hidden = !unread;
    setText(part(element, "badge-word"), unread ? t("{n} unread message|{n} unread messages", { n: unread }) : "");
    const isMuted = this.#options.state.isMuted(row, this.#options.now());
    part(element, "muted").hidden = !isMuted;
    setText(part(element, "muted-word"), isMuted ? t("muted") : "");
    setData(badge, "quiet", isMuted);
    const link = element.querySelector("a");
    if (row.room === chosen()) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }

  #preview(element, row, isTyping) {
    const { t } = this.#options;
    const {
      label = "",
      state = null,
      text,
      ticks = null,
      icon = null,
    } = isTyping ? { text: t("typing…"), state: "typing" } : this.#summary(row);
    setText(part(element, "label"), label);
    setData(part(element, "label"), "state", label && state);
    setText(part(element, "preview"), cut(text, 200));
    setData(part(element, "preview"), "state", !label && state);
    setData(part(element, "ticks"), "state", ticks);
    setIcon(part(element, "icon"), icon);
  }

  /** The first that applies: a failed message, a draft, a pending message, the last message. */
  #summary(row) {
    const { t, me, outbox, unsent, current } = this.#options;
    const waiting = unsent(row.room);
    const failed = waiting.find((entry) => entry.state === "failed");
    if (failed)
      return { label: t("Not sent."), state: "failed", text: preview(failed.command, t), ticks: "failed" };
    const draft = row.room === current() ? null : this.#draft(row.room);
    if (draft) return { label: t("Draft:"), state: "draft", ...draft };
    const last = row.last_message && applied(row.last_message, outbox.entries(row.room), me);
    const newest = waiting.findLast(isWaiting);
    if (newest) return { text: preview(newest.command, t), ticks: "pending", icon: iconOf(newest.command) };
    if (last?.deleted_at || last?.deleted_for_me) return { text: t("Message deleted") };
    const ticks =
      last?.sender === me &&
      (last.seq <= row.peer_read ? "read" : last.seq <= row.peer_delivered ? "delivered" : "sent");
    if (!last) return { text: t("No messages yet") };
    return { text: preview(last, t), ticks, icon: iconOf(last) };
  }

  #total(count) {
    const badge = document.querySelector('[data-part="total-unread"]');
    setText(badge, count ? shown(count) : "");
    if (badge) badge.hidden = !count;
    const title = count ? `(${shown(count)}) ${this.#title}` : this.#title;
    if (document.title !== title) document.title = title;
    this.#options.onTotal(count);
  }
}
