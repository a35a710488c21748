// Prevents submitting a form twice (docs/interface.md F6): the button shows that the form is being sent.

import { view } from "../lib/dom.js";

const TIMEOUT_MS = 10_000;

const buttonOf = ({ target: form, submitter }) =>
  submitter ?? form.querySelector('button:not([type]), button[type="submit"]');

/**
 * Returns the function that restores the button. It keeps its width and stays focusable: a disabled button would lose
 * the focus.
 */
function busy(button) {
  const label = [...button.childNodes];
  button.style.minInlineSize = `${button.getBoundingClientRect().width}px`;
  button.setAttribute("aria-disabled", "true");
  button.setAttribute("aria-busy", "true");
  if (button.dataset.busy) button.replaceChildren(button.dataset.busy);
  return () => {
    button.removeAttribute("aria-disabled");
    button.removeAttribute("aria-busy");
    button.style.minInlineSize = "";
    button.replaceChildren(...label);
  };
}

export function guardSubmits() {
  const sent = new Map();
  const end = (form) => {
    const { back, timer } = sent.get(form);
    clearTimeout(timer);
    sent.delete(form);
    back();
  };
  const tooLong = (form) => {
    end(form);
    const slow = view("slow");
    if (slow) slow.hidden = false;
  };

  // On the window, after all listeners that may handle the form without a page load.
  window.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (sent.has(form)) return event.preventDefault();
    const button = buttonOf(event);
    // The button's name and value are sent, too; the browser collects them right after this.
    const timer = setTimeout(() => tooLong(form), TIMEOUT_MS);
    sent.set(form, { back: button ? busy(button) : () => {}, timer });
  });
  // The back button brings a page back as it was left.
  window.addEventListener("pageshow", ({ persisted }) => persisted && [...sent.keys()].forEach(end));
}
