// The composer: keys, height, counter, draft. It reports the text; others send it.

import { isBlank, sendable } from "../lib/body-text.js";
import { isChanged, part, setData, setText } from "../lib/dom.js";

const COUNT_FROM = 0.9;
const LINES_AT_MOST_PX = 200;
const length = (text) => [...text].length;

export class ComposerView {
  #form;
  #field;
  #t;
  #on;
  #limit;
  /** The user has typed since the page was loaded, also before this script was there: a draft is not typed. */
  hasTyped = false;
  /** () -> is there something to send without a text; set by what loads later. */
  hasFiles;
  /** On touch screens Enter adds a line, elsewhere as the user has chosen (accounts/appearance.py). */
  #enterSends =
    matchMedia("(hover: hover) and (pointer: fine)").matches && document.documentElement.dataset.enter !== "line";

  /** `on.submit(text)` and `on.change({text, caret})`. */
  constructor({ form, t, limit = 8_000, on }) {
    this.#form = form;
    this.#field = form.elements.body;
    this.#t = t;
    this.#limit = limit;
    this.#on = on;
    this.#field.enterKeyHint = this.#enterSends ? "send" : "enter";
    form.addEventListener("submit", (event) => this.#submit(event));
    this.#field.addEventListener("keydown", (event) => this.#key(event));
    this.#field.addEventListener("input", () => this.#changed());
    if (isChanged(this.#field)) queueMicrotask(() => this.#changed());
  }

  get isTouched() {
    // A tab in the background has its field active, too.
    return document.hasFocus() && document.activeElement === this.#field;
  }

  get draft() {
    return { text: this.#field.value, caret: this.#field.selectionStart };
  }

  setLimit(limit) {
    this.#limit = limit ?? this.#limit;
    this.#measure();
  }

  /** A stored draft, or one that another tab has written. */
  show({ text, caret = text.length }) {
    this.#field.value = text;
    if (this.isTouched) this.#field.setSelectionRange(caret, caret);
    this.#measure();
  }

  focus() {
    this.#field.focus({ preventScroll: true });
    this.#field.setSelectionRange(this.#field.value.length, this.#field.value.length);
  }

  /** A key of a running composition belongs to the input method; Safari marks it by 229. */
  #key(event) {
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    const isForced = event.ctrlKey || event.metaKey;
    if (!isForced && (event.shiftKey || event.altKey || !this.#enterSends)) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  #submit(event) {
    event.preventDefault();
    const text = sendable(this.#field.value);
    if ((isBlank(text) && !this.hasFiles?.()) || length(text) > this.#limit) return this.#field.focus();
    this.#field.value = "";
    this.#measure();
    this.#field.focus({ preventScroll: true });
    this.#on.submit(text);
  }

  #changed() {
    this.hasTyped = true;
    this.#measure();
    this.#on.change(this.draft);
  }

  #measure() {
    if (!CSS.supports("field-sizing", "content")) {
      this.#field.style.blockSize = "auto";
      this.#field.style.blockSize = `${Math.min(this.#field.scrollHeight, LINES_AT_MOST_PX)}px`;
    }
    this.#count();
  }

  #count() {
    const counter = part(this.#form, "counter");
    const { value } = this.#field;
    const used = value.length < COUNT_FROM * this.#limit ? 0 : length(sendable(value));
    const over = used - this.#limit;
    const near = used >= COUNT_FROM * this.#limit ? `${this.#t.number(used)} / ${this.#t.number(this.#limit)}` : "";
    setText(counter, over > 0 ? this.#t("{n} character too many|{n} characters too many", { n: over }) : near);
    if (counter) counter.hidden = !near;
    setData(counter ?? this.#form, "state", over > 0 && "over");
    part(this.#form, "send").disabled = over > 0;
  }
}
