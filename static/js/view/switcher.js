// The quick switcher (Ctrl K): chats and people by a few letters, messages by their words. The focus stays in the
// field; the option is named by its id.

import { cloneTemplate, part, setData, setText, showFace } from "../lib/dom.js";
import { Timer, retryUntilAnswered } from "../lib/timing.js";
import { suggestions } from "../state/fuzzy-search.js";
import { snippet } from "../state/snippet.js";
import { closeOnBackdropPress } from "./backdrop-close.js";

const ASK_AFTER_MS = 150;
const MESSAGES = 5;
const shown = (count) => (count > 99 ? "99+" : String(count));

const NOTHING = { items: [], next: null };

/** The text around what was found, or the names of the files, where that was found. */
const foundIn = ({ body, attachments }, matches) =>
  matches.length || !attachments?.length
    ? snippet(body, matches)
    : [{ text: attachments.map(({ name }) => name).join(", "), isMatch: false }];

/** A piece of a snippet as a node. */
const drawn = ({ text, isMatch }) =>
  isMatch ? Object.assign(document.createElement("mark"), { textContent: text }) : text;

export class QuickSwitcher {
  #options;
  #dialog = null;
  #field;
  #list;
  #people = [];
  /** {items, next} of the search in messages. */
  #found = NOTHING;
  /** The query of the request in flight, and the one answered last. */
  #asking = null;
  #asked = null;
  #chosen = 0;
  #timer;
  #opener = null;
  /** What a choice is for: {open, rows, current, label}. */
  #purpose;

  /**
   * `t`, `clock`, `dates`, `me`; `rows()` -> the rows of the list; `current()` -> room or null; `people(q)` -> promise
   * of cards; `messages(q)` -> promise of {items, next}, each item with the `peer` of its room; `open({room}, {room,
   * seq}, {username} or {all: q})`; `online(room)`; `announce(text)`.
   */
  constructor(options) {
    this.#options = options;
    this.#timer = new Timer(options.clock, () => this.#ask());
  }

  /** `purpose` {open, rows, current, label}: to choose a chat for something else than opening it. */
  show(purpose = {}) {
    if (this.#dialog?.open) return;
    this.#dialog ??= this.#make();
    this.#purpose = { ...this.#options, ...purpose };
    this.#field.placeholder = this.#purpose.label ?? this.#field.getAttribute("aria-label");
    this.#dialog.setAttribute("aria-label", this.#field.placeholder);
    this.#opener = document.activeElement;
    this.#field.value = "";
    this.#people = [];
    this.#found = NOTHING;
    this.#asked = null;
    this.#dialog.showModal();
    this.#typed();
  }

  /** A row has changed: a name, a number. */
  changed() {
    if (this.#dialog?.open) this.#render();
  }

  #make() {
    const dialog = cloneTemplate("switcher");
    document.body.append(dialog);
    this.#field = part(dialog, "query");
    this.#list = part(dialog, "results");
    this.#field.addEventListener("input", () => this.#typed());
    dialog.addEventListener("keydown", (event) => this.#key(event));
    dialog.addEventListener("click", (event) => this.#press(event));
    closeOnBackdropPress(dialog);
    // Not every browser restores the focus. This runs a moment after the close, when the user may have moved on.
    dialog.addEventListener(
      "close",
      () => document.activeElement === document.body && this.#opener?.focus({ preventScroll: true }),
    );
    return dialog;
  }

  /** A key of a running composition belongs to the input method (docs/interface.md X2). */
  #key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const options = this.#optionElements;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length) this.#choose((this.#chosen + step + options.length) % options.length);
    else if (event.key === "Enter") this.#go(options[this.#chosen]);
    else return;
    event.preventDefault();
  }

  #press({ target }) {
    if (target.closest('[data-action="close"], [data-action="invite"]')) return this.#dialog.close();
    this.#go(target.closest('[role="option"]'));
  }

  #go(option) {
    if (!option) return;
    const { room, seq, username, all } = option.dataset;
    this.#opener = null;
    this.#dialog.close();
    this.#purpose.open(room ? { room, seq: Number(seq) || null } : all ? { all } : { username });
  }

  #typed() {
    this.#chosen = 0;
    this.#render();
    this.#timer.set(this.#options.clock.now() + (this.#asked === null ? 0 : ASK_AFTER_MS));
  }

  /**
   * An answer to an earlier query is dropped; a request without an answer is retried, and only an answer can mean that
   * there is no such user.
   */
  async #ask() {
    const query = this.#field.value.trim();
    this.#asking = query;
    const { t, announce, clock } = this.#options;
    const { people, messages } = this.#options;
    // A chat that is chosen for something else is not chosen by a message.
    const find = this.#purpose.open === this.#options.open ? messages : () => NOTHING;
    const answers = await retryUntilAnswered(() => Promise.all([people(query), find(query)]), {
      clock,
      isWanted: () => this.#dialog.open && this.#asking === query,
    });
    if (!answers || !this.#dialog.open || this.#asking !== query) return;
    this.#asked = query;
    [this.#people, this.#found] = answers;
    this.#render();
    const n = this.#optionElements.length;
    if (query) announce(n ? t("{n} found|{n} found", { n }) : t("Nobody found"));
  }

  get #optionElements() {
    return [...this.#list.querySelectorAll('[role="option"]')];
  }

  #render() {
    const { t } = this.#options;
    const { rows, current } = this.#purpose;
    const query = this.#field.value;
    const { chats, people } = suggestions({ query, rows: rows(), people: this.#people, current: current() });
    const groups = [
      [t("Chats"), chats.map((row) => this.#option(row.peer, { room: row.room, unread: row.unread }))],
      [t("People"), people.map((card) => this.#option(card, { username: card.username }))],
      [t("Messages"), query.trim() ? this.#messageOptions() : []],
    ].filter(([, options]) => options.length);
    const options = groups.flatMap(([, some]) => some);
    this.#chosen = Math.min(this.#chosen, Math.max(0, options.length - 1));
    for (const [index, option] of options.entries()) option.id = `switch-to-${index}`;
    this.#mark(options);
    this.#draw(groups.map(([label, some], index) => this.#group(`switch-${index}`, label, some)));
    const nobody = part(this.#dialog, "nobody");
    nobody.hidden = groups.length > 0 || this.#asked !== query.trim();
    setText(
      part(nobody, "nobody-text"),
      query.trim()
        ? t("Nobody here is called “{q}”. You can send them an invite link.", { q: query.trim() })
        : t("Nobody is listed here yet. Send someone an invite link."),
    );
    this.#choose(this.#chosen, { isQuiet: true });
  }

  /** A group that is the same stays: a press whose option is replaced before the release would be lost. */
  #draw(groups) {
    for (const [index, group] of groups.entries()) {
      const there = this.#list.children[index];
      if (!there) this.#list.append(group);
      else if (!there.isEqualNode(group)) there.replaceWith(group);
    }
    while (this.#list.childElementCount > groups.length) this.#list.lastElementChild.remove();
  }

  /** The newest messages that were found for the last answer, and the way to all of them. */
  #messageOptions() {
    const { items, next } = this.#found;
    const options = items.slice(0, MESSAGES).map((item) => this.#messageOption(item));
    if (!next && items.length <= MESSAGES) return options;
    const all = cloneTemplate("switch-to-all");
    setData(all, "all", this.#asked);
    return [...options, all];
  }

  #messageOption({ room, peer, message, matches }) {
    const { t, dates, me } = this.#options;
    const option = this.#option(peer, { room });
    setData(option, "seq", message.seq);
    const text = part(option, "handle");
    const own = message.sender === me ? [`${t("You")}: `] : [];
    text.replaceChildren(...own, ...foundIn(message, matches).map(drawn));
    const time = part(option, "time");
    time.hidden = false;
    time.dateTime = message.created_at;
    setText(time, dates.listTime(message.created_at));
    return option;
  }

  #group(id, label, options) {
    const group = document.createElement("div");
    group.setAttribute("role", "group");
    group.setAttribute("aria-labelledby", id);
    const heading = Object.assign(document.createElement("div"), { id, textContent: label, className: "group-title" });
    heading.setAttribute("role", "presentation");
    group.append(heading, ...options);
    return group;
  }

  #option(card, { room = null, username = null, unread = 0 }) {
    const { t, online } = this.#options;
    const option = cloneTemplate("switch-to");
    setData(option, "room", room);
    setData(option, "username", username);
    const avatar = part(option, "avatar");
    showFace(avatar, card);
    setData(avatar, "colour", card.colour);
    setData(avatar, "online", room && online(room));
    setText(part(option, "name"), card.name);
    setText(part(option, "handle"), `@${card.username}`);
    const badge = part(option, "badge");
    badge.hidden = !unread;
    setText(badge, unread ? shown(unread) : "");
    setText(part(option, "badge-word"), unread ? t("{n} unread message|{n} unread messages", { n: unread }) : "");
    return option;
  }

  #mark(options) {
    for (const [index, option] of options.entries())
      option.setAttribute("aria-selected", String(index === this.#chosen));
  }

  #choose(index, { isQuiet = false } = {}) {
    const options = this.#optionElements;
    this.#chosen = index;
    this.#mark(options);
    const chosen = options[index];
    if (chosen) this.#field.setAttribute("aria-activedescendant", chosen.id);
    else this.#field.removeAttribute("aria-activedescendant");
    if (!isQuiet) chosen?.scrollIntoView({ block: "nearest" });
  }
}
