// Search in one chat (docs/interface.md 3.6, X7): a bar under the header with the number of hits, the way from one to
// the next, and to a date.

import { action, cloneTemplate, onTyped, part, setData, setText, view } from "../lib/dom.js";
import { isComposing } from "../lib/keys.js";
import { Hits } from "../state/hits.js";
import { LiveSearch } from "../state/live-search.js";

export class ChatSearch {
  #options;
  #bar = null;
  #field;
  #hits;
  #live;
  #opener = null;
  #marked = [];

  /** `root`, `room`, `chat` (ChatView), `events` of the chat, `api`, `t`, `clock`, `announce(text)`. */
  constructor(options) {
    this.#options = options;
    this.#hits = new Hits({ load: (query, cursor) => this.#ask(query, cursor) });
    // A hit may be drawn later, or again.
    options.events.on("view", () => this.#bar?.isConnected && this.#mark());
  }

  /** Opens the bar, or moves the focus into it. */
  show() {
    this.#bar ??= this.#make();
    if (!this.#bar.isConnected) {
      this.#opener = document.activeElement;
      this.#options.root.querySelector("header").after(this.#bar);
      this.#mark();
    }
    this.#field.focus();
    this.#field.select();
  }

  #make() {
    const { clock, room } = this.#options;
    const bar = cloneTemplate("chat-search");
    this.#field = part(bar, "query");
    const wanted = () => this.#field.value.trim();
    const live = (this.#live = new LiveSearch({
      clock,
      query: "",
      ask: (query) => this.#ask(query),
      show: (page, query) => this.#found(page, query),
    }));
    onTyped(this.#field, () => live.typed(wanted()));
    bar.addEventListener("keydown", (event) => this.#key(event));
    action("older-hit", bar).addEventListener("click", () => this.#step(1));
    action("newer-hit", bar).addEventListener("click", () => this.#step(-1));
    action("close", bar).addEventListener("click", () => this.#close());
    part(bar, "date").addEventListener("change", ({ target }) => target.value && this.#toDate(target.value));
    part(bar, "room").value = room;
    bar.addEventListener("submit", (event) => event.preventDefault());
    return bar;
  }

  /** Esc closes one thing at a time, and this before the line of new messages. */
  #key(event) {
    if (isComposing(event)) return;
    if (event.key === "Escape") this.#close();
    else if (event.key === "Enter" && event.target === this.#field) this.#step(event.shiftKey ? -1 : 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  async #ask(query, cursor = null) {
    const { api, room } = this.#options;
    const form = new URLSearchParams({ q: query, room, ...(cursor && { cursor }) });
    return query ? api.get(`/api/v1/search?${form}`) : { items: [], next: null };
  }

  #found(page, query) {
    const { t, announce } = this.#options;
    this.#hits.begin(query, page);
    this.#go();
    if (query && this.#hits.current === null) announce(t("Nothing found"));
  }

  async #step(by) {
    const shown = this.#hits.current;
    // The text in the field may not have been searched for yet.
    if (shown === null) return this.#live.now(this.#field.value.trim());
    if (await this.#hits.step(by).catch(() => false)) this.#go();
  }

  #go() {
    const { t, announce, events } = this.#options;
    const { current, index, seqs, hasMore } = this.#hits;
    const n = index + 1;
    const total = hasMore ? `${seqs.length}+` : seqs.length;
    const isEmpty = current === null;
    const nothing = this.#field.value.trim() ? "0" : "";
    setText(part(this.#bar, "count"), isEmpty ? nothing : t("{n} of {total}", { n, total }));
    for (const name of ["older-hit", "newer-hit"]) action(name, this.#bar).disabled = isEmpty;
    this.#mark();
    if (isEmpty) return;
    announce(t("{n} of {total}", { n, total }));
    events.emit("to-message", { seq: current, keepsFocus: true });
  }

  /** Rings around the hits that are on the page; a thick one around the hit that the bar counts. */
  #mark() {
    const { chat } = this.#options;
    const { seqs, current } = this.#hits;
    const elements = new Map(seqs.map((seq) => [chat.elementOf(seq), seq]));
    elements.delete(null);
    for (const element of this.#marked) if (!elements.has(element)) setData(element, "hit", null);
    for (const [element, seq] of elements) setData(element, "hit", seq === current ? "current" : "true");
    this.#marked = [...elements.keys()];
  }

  async #toDate(date) {
    const { api, room, t, events, announce } = this.#options;
    const form = new URLSearchParams({ date, tz: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC" });
    const place = await api.get(`/api/v1/conversations/${room}/at?${form}`).catch(() => null);
    if (place?.seq) events.emit("to-message", { seq: place.seq });
    else announce(place ? t("Nothing found") : t("The messages couldn’t be loaded."));
  }

  #close() {
    this.#hits.begin("", { items: [], next: null });
    this.#live.typed("");
    this.#mark();
    this.#field.value = "";
    setText(part(this.#bar, "count"), "");
    this.#bar.remove();
    const back = this.#opener?.isConnected ? this.#opener : view("composer", this.#options.root)?.elements.body;
    back?.focus({ preventScroll: true });
  }
}
