// Global keyboard shortcuts (docs/interface.md X). No single letters: they belong to a focused message or to the
// composer.

import { cloneTemplate, view } from "../lib/dom.js";
import { isCommand, isComposing, isMac, keyOf } from "../lib/keys.js";
import { adjacentChat } from "../state/fuzzy-search.js";
import { closeOnBackdropPress } from "./backdrop-close.js";

export class Shortcuts {
  #options;

  /**
   * `rows()` -> rows in the order of the list; `current()` -> the room chosen last or null; `open(room)`; `switcher()`
   * opens the quick switcher; `search()` -> what opens the search in the chat on the screen, or null.
   */
  constructor(options) {
    this.#options = options;
    document.addEventListener("keydown", (event) => !isComposing(event) && !event.defaultPrevented && this.#key(event));
  }

  #key(event) {
    if (document.querySelector("dialog[open]")) return;
    const act = isCommand(event)
      ? this.#command(event)
      : event.altKey && !event.ctrlKey && !event.metaKey
        ? this.#alt(event)
        : this.#bare(event);
    if (!act) return;
    event.preventDefault();
    act();
  }

  #command(event) {
    const key = keyOf(event);
    if (key === "k" && !event.shiftKey) return this.#options.switcher;
    if (key === "f" && event.shiftKey) return this.#options.search();
    // Many keyboards need Shift for it.
    return key === "/" ? showHelp : null;
  }

  #alt({ key, shiftKey }) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (!step) return null;
    const { rows, current, open } = this.#options;
    return () => {
      const room = adjacentChat(rows(), current(), step, { unread: shiftKey });
      if (room) open(room);
    };
  }

  #bare(event) {
    if (event.key === "F6") return () => moveRegion(event.shiftKey ? -1 : 1);
    // Without a focused element, or with the scroller focused, typing goes to the composer (docs/interface.md X10).
    const isNowhere = document.activeElement === document.body || document.activeElement === view("scroller");
    const isPrintable = [...event.key].length === 1 && !event.ctrlKey && !event.metaKey && event.key !== " ";
    if (isNowhere && isPrintable) view("composer")?.elements.body.focus({ preventScroll: true });
    return null;
  }
}

/** Cycles through list, messages and composer; missing regions are skipped. */
function moveRegion(step) {
  const list = view("list");
  const regions = [
    list?.querySelector('[aria-current="page"][href^="/chats/dm"]') ?? list?.querySelector("li a, li button, a"),
    view("timeline")?.querySelector('article[tabindex="0"]') ?? view("scroller"),
    view("composer")?.elements.body,
  ].filter((element) => element?.checkVisibility());
  const here = [list, view("scroller"), view("composer")]
    .filter((region) => region?.checkVisibility())
    .findIndex((region) => region.contains(document.activeElement));
  const next = here < 0 && step < 0 ? regions.length - 1 : (here + step + regions.length) % regions.length;
  regions[next]?.focus();
}

/** Created on first use; the focus returns to where it was. */
export function showHelp() {
  const found = view("shortcuts");
  const dialog = found ?? cloneTemplate("shortcuts");
  if (!found) {
    document.body.append(dialog);
    dialog.addEventListener("click", ({ target }) => target.closest('[data-action="close"]') && dialog.close());
    closeOnBackdropPress(dialog);
    if (isMac) for (const key of dialog.querySelectorAll('[data-part="command-key"]')) key.textContent = "⌘";
  }
  dialog.showModal();
}
