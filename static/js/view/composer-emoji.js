// Emoji in the composer: the button that opens the panel, and the completion of ":name".

import { action } from "../lib/dom.js";
import { isComposing } from "../lib/keys.js";
import { askedEmoji } from "../state/emoji-completion.js";
import { EmojiRecents, withTone } from "../state/emoji-recents.js";
import { loadEmoji, pickEmoji } from "./emoji.js";

const SHOWN = 6;
const CARET_KEYS = new Set(["ArrowLeft", "ArrowRight", "Home", "End"]);
const LIST_ID = "emoji-completion";

/**
 * `composer` (ComposerView); `tools`: `t`, `store`, `announce(text)`, `fetchEmoji(source)`, `toast(text)`,
 * `performPress`.
 */
export function startComposerEmoji(form, composer, tools) {
  const field = form.elements.body;
  const button = action("emoji", form);
  const completion = new EmojiCompletion({ form, field, tools });
  // Typed before this module was loaded.
  if (composer.hasTyped && composer.isTouched) completion.look();
  button.setAttribute("aria-haspopup", "dialog");
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    // The press has just closed the panel that this button had opened.
    if (button.getAttribute("aria-expanded") === "true") return;
    const onClose = () => field.focus({ preventScroll: true });
    const onPick = (emoji) => insert(field, emoji);
    pickEmoji({ anchor: button, onPick, onClose, staysOpen: true, tools }).catch(() =>
      tools.toast(tools.t("The emoji couldn’t be loaded.")),
    );
  });
  tools.performPress((pressed) => pressed === button);
}

/** At the caret, which stays behind it; the composer hears of it as of typing. */
function insert(field, emoji, start = field.selectionStart, end = field.selectionEnd) {
  field.setRangeText(emoji, start, end, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

class EmojiCompletion {
  #form;
  #field;
  #tools;
  #recents;
  #list = null;
  /** What is asked for (state/emoji-completion.js), and what Esc has declined: its start. */
  #asked = null;
  #declined = null;
  #found = [];
  #chosen = 0;

  constructor({ form, field, tools }) {
    this.#form = form;
    this.#field = field;
    this.#tools = tools;
    this.#recents = new EmojiRecents({ store: tools.store });
    field.setAttribute("aria-autocomplete", "list");
    field.addEventListener("input", (event) => this.look(event));
    // The caret may leave the word without a change of the text.
    field.addEventListener("click", (event) => this.#list && this.look(event));
    field.addEventListener("keyup", (event) => this.#list && CARET_KEYS.has(event.key) && this.look(event));
    field.addEventListener("blur", () => this.#close());
    // Before the composer, for which Enter sends.
    form.addEventListener("keydown", (event) => this.#key(event), { capture: true });
  }

  async look(event) {
    const asked = event?.isComposing ? null : askedEmoji(this.#field.value, this.#field.selectionStart);
    if (asked?.start !== this.#declined) this.#declined = null;
    this.#asked = asked;
    if (!asked || this.#declined !== null) return this.#close();
    const emoji = await loadEmoji(this.#tools.fetchEmoji).catch(() => null);
    // Typing went on while it was loading.
    if (this.#asked !== asked) return;
    this.#show(emoji?.search(asked.query, SHOWN) ?? []);
  }

  #show(found) {
    if (!found.length) return this.#close();
    const isNew = !this.#list;
    this.#found = found;
    this.#chosen = 0;
    this.#list ??= this.#make();
    this.#list.replaceChildren(...found.map((entry, index) => this.#option(entry, index)));
    this.#choose(0);
    if (isNew) this.#tools.announce(this.#tools.t("{n} emoji found|{n} emoji found", { n: found.length }));
  }

  #make() {
    const list = Object.assign(document.createElement("ul"), { id: LIST_ID, className: "emoji-completion" });
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", this.#tools.t("Emoji"));
    // A press would take the focus from the field, which closes the list.
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", ({ target }) => {
      const option = target.closest('[role="option"]');
      if (option) this.#take([...list.children].indexOf(option));
    });
    this.#form.append(list);
    this.#field.setAttribute("aria-controls", LIST_ID);
    return list;
  }

  #option(entry, index) {
    const option = Object.assign(document.createElement("li"), { id: `${LIST_ID}-${index}` });
    option.setAttribute("role", "option");
    const glyph = Object.assign(document.createElement("span"), { textContent: this.#shown(entry) });
    option.append(glyph, Object.assign(document.createElement("span"), { textContent: entry.name }));
    return option;
  }

  #shown({ emoji, hasTones }) {
    return hasTones ? withTone(emoji, this.#recents.tone) : emoji;
  }

  #choose(index) {
    this.#chosen = index;
    for (const [at, option] of [...this.#list.children].entries())
      option.setAttribute("aria-selected", String(at === index));
    this.#field.setAttribute("aria-activedescendant", `${LIST_ID}-${index}`);
  }

  #key(event) {
    if (!this.#list || isComposing(event) || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#choose((this.#chosen + step + this.#found.length) % this.#found.length);
    else if (event.key === "Enter" || event.key === "Tab") this.#take(this.#chosen);
    else if (event.key === "Escape") {
      this.#declined = this.#asked.start;
      this.#close();
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #take(index) {
    const emoji = this.#shown(this.#found[index]);
    const { start, end } = this.#asked;
    this.#close();
    this.#recents.used(emoji);
    insert(this.#field, emoji, start, end);
  }

  #close() {
    this.#list?.remove();
    this.#list = null;
    this.#field.removeAttribute("aria-controls");
    this.#field.removeAttribute("aria-activedescendant");
  }
}
