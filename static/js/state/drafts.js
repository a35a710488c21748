// Drafts per conversation, stored half a second after the last key, and at once when the page closes. No tab
// overwrites another one's.

import { Timer } from "../lib/timing.js";

const SAVE_AFTER_MS = 500;
/**
 * Half of what a browser stores for a whole site. A longer text is not cut: `isAtRisk` reports that it is not stored.
 */
const LONGEST = 1024 * 1024;

/** The key of a chat's draft; and of a text of another tab that it displaced, with the id of that tab. */
const key = (room, tab) => (tab ? `draft:${room}:${tab}` : `draft:${room}`);

export class Drafts {
  #options;
  #unsaved = new Map();
  /** What this tab last read or wrote, by room: only that may it overwrite and remove. */
  #base = new Map();
  #timer;
  /** The browser refused to store a text: it exists only in this page. */
  isRefused = false;

  /**
   * `tab` is the id of this page, `before` of the page before the reload; `onSaved(room, draft, was)` notifies the
   * other tabs.
   */
  constructor({ store, clock, tab = "", before = null, onSaved = () => {} }) {
    this.#options = { store, clock, tab, before, onSaved };
    this.#timer = new Timer(clock, () => this.flush());
  }

  /** `{text, caret}` or null. */
  get(room) {
    return this.#said(this.#unsaved.get(room) ?? this.#options.store.get(key(room)));
  }

  /**
   * For the composer: what this tab had before the reload, otherwise the newest draft. From here on it belongs to this
   * tab.
   */
  take(room) {
    const { store, before } = this.#options;
    const draft = this.#unsaved.get(room) ?? (before && store.get(key(room, before))) ?? store.get(key(room));
    this.#base.set(room, draft?.text ?? "");
    return this.#said(draft);
  }

  /**
   * For a message box that came with the text `initial` and has `value` now: the draft to show instead, or null.
   * `known` is the draft that the server knows; `isWaiting`: it cannot know yet what was typed or sent here.
   */
  open(room, { value, initial, known = "", isWaiting = false }) {
    const draft = this.take(room);
    const text = draft?.text ?? "";
    // Typed before the script was there: it continues a draft that was not on the page.
    if (value !== initial) return !text || initial || value.startsWith(text) ? null : { text: text + value };
    // A text that the server has refused.
    if (value && value !== known) return null;
    // Nothing was typed here since this device and the server had the same: another device has changed it.
    const isTold = text === (this.#options.store.get(`known:${room}`) ?? "");
    if (isTold && !isWaiting && text !== known) return { text: known };
    return draft ?? (value ? { text: "" } : null);
  }

  /**
   * What another tab wrote or sent, for a composer without focus: the draft to show from now on, or null for no change.
   * It follows a text that continues its own, or sends it; a text that was replaced by another one stays, and is stored
   * again. `news` is {draft, was}, or null when only the storage event reports it.
   */
  follow(room, text, news = null) {
    if (this.#unsaved.has(room)) return null;
    const draft = news?.draft ?? this.#options.store.get(key(room)) ?? { text: "", caret: 0 };
    const isSame = news ? text === news.was : text === this.#base.get(room) && !this.#isStored(room, text);
    const goesOn = draft.text.startsWith(text) || text.startsWith(draft.text);
    if (text && !(isSame && goesOn)) return void (this.hold(room, { text, caret: text.length }), this.flush());
    this.#base.set(room, draft.text);
    return draft.text === text ? null : draft;
  }

  /** After `flush()`: texts that the browser refused to store exist only in this page. */
  get isAtRisk() {
    return [...this.#unsaved.values()].some(({ text }) => text.trim());
  }

  set(room, { text, caret }) {
    this.#unsaved.set(room, { text, caret });
    this.#timer.set(this.#options.clock.now() + SAVE_AFTER_MS);
  }

  /** The page closes: the text of the composer is stored, even if it was removed from the store. */
  hold(room, draft) {
    if (draft.text.trim() && !this.#unsaved.has(room) && !this.#isStored(room, draft.text)) this.set(room, draft);
  }

  /** Sent or emptied: removed at once, so that a reload does not offer it again. */
  clear(room) {
    this.#unsaved.set(room, { text: "", caret: 0 });
    this.flush();
  }

  flush() {
    this.#timer.clear();
    for (const [room, draft] of this.#unsaved) {
      const was = this.#base.get(room) ?? "";
      const isKept = draft.text.trim() ? this.#keep(room, draft) : this.#drop(room);
      // Without storage the page holds it as long as it lives.
      if (isKept) this.#unsaved.delete(room);
      this.#base.set(room, draft.text);
      this.isRefused = this.#unsaved.size > 0;
      this.#options.onSaved(room, draft, was);
    }
  }

  #said(draft) {
    return draft?.text ? { text: draft.text, caret: draft.caret } : null;
  }

  #isMine(room, kept) {
    return kept.tab === this.#options.tab || kept.text === this.#base.get(room);
  }

  #names(room) {
    return [key(room), ...this.#options.store.keys(`${key(room)}:`)];
  }

  #isStored(room, text) {
    return this.#names(room).some((name) => this.#options.store.get(name)?.text === text);
  }

  #keep(room, draft) {
    const { store, tab } = this.#options;
    if (draft.text.length > LONGEST) return false;
    const kept = store.get(key(room));
    const isMoved = !kept?.text || this.#isMine(room, kept) || store.set(key(room, kept.tab || "other"), kept);
    if (!isMoved || !store.set(key(room), { ...draft, tab })) return false;
    if (tab) store.remove(key(room, tab));
    return true;
  }

  /** A text of another tab that was displaced becomes the draft of the chat again. */
  #drop(room) {
    const { store } = this.#options;
    const left = this.#names(room).filter((name) => {
      const kept = store.get(name);
      if (kept && this.#isMine(room, kept)) store.remove(name);
      else return kept;
    });
    if (!left.length || left[0] === key(room) || !store.set(key(room), store.get(left[0]))) return true;
    store.remove(left[0]);
    return true;
  }
}
