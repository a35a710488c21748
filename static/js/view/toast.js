// One line at the bottom, gone after five seconds, or later while it is hovered or focused. Not for errors that need
// an action.

import { part, setText, view } from "../lib/dom.js";

const SHOWN_MS = 5_000;
let cancel = null;

/** `button` {label, onPress} offers one action ("Undo"). */
export function toast(text, { clock, button = null } = {}) {
  const root = view("toast");
  if (!root) return;
  cancel?.();
  bringForward(root);
  setText(part(root, "text") ?? root, text);
  root.querySelector('[data-part="undo"]')?.remove();
  if (button) root.append(undo(root, button));
  root.hidden = false;
  const end = () => {
    if (root.matches(":hover, :focus-within")) cancel = clock.after(1_000, end);
    else root.hidden = true;
  };
  cancel = clock.after(SHOWN_MS, end);
}

/** Behind a modal dialog it could not be pressed. */
function bringForward(root) {
  const front = [...document.querySelectorAll("dialog[open]")].at(-1);
  const place = front ?? document.body;
  if (root.parentElement !== place) place.append(root);
  front?.addEventListener("close", () => root.parentElement === front && bringForward(root), { once: true });
}

function undo(root, { label, onPress }) {
  const element = Object.assign(document.createElement("button"), { type: "button", textContent: label });
  element.dataset.part = "undo";
  element.addEventListener("click", () => {
    root.hidden = true;
    onPress();
    // The focus was on this button: it goes to the message that had it last.
    const focused = document.activeElement;
    if (focused === element || focused === document.body)
      view("timeline")?.querySelector('article[tabindex="0"]')?.focus();
  });
  return element;
}
