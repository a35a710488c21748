// Small buttons that need a script, or work without a page load: copy, share, show the password, change the theme.

import { part, setText } from "../lib/dom.js";
import { copyText } from "./clipboard.js";
import { applyAppearance, broadcastAppearance } from "./appearance.js";
import { guardSubmits } from "./submit-guard.js";

const DONE_MS = 2_000;

/**
 * The button shows "Copied" for two seconds. If the clipboard is refused, the text is selected for the user's own Ctrl
 * C.
 */
async function copy(button, { announcer }) {
  const source = document.getElementById(button.dataset.copyFrom);
  const text = source.value ?? source.textContent.trim();
  if (!(await copyText(text))) return select(source);
  const label = part(button, "label");
  const before = label?.textContent;
  const done = button.dataset.labelDone ?? before;
  setText(label, done);
  button.dataset.state = "done";
  announcer?.status(done ?? "");
  setTimeout(() => {
    setText(label, before);
    delete button.dataset.state;
  }, DONE_MS);
}

function select(source) {
  if (source.select) return source.select();
  getSelection().selectAllChildren(source);
}

function share(button) {
  const { url, text } = button.dataset;
  // Closing the share sheet rejects, too; that is no error.
  navigator.share({ url, ...(text ? { text } : {}) }).catch(() => {});
}

function showPassword(button) {
  const field =
    document.getElementById(button.getAttribute("aria-controls")) ?? button.parentElement.querySelector("input");
  const isShown = field.type === "password";
  field.type = isShown ? "text" : "password";
  button.setAttribute("aria-pressed", String(isShown));
  button.setAttribute("aria-label", isShown ? button.dataset.labelHide : button.dataset.labelShow);
  field.focus({ preventScroll: true });
}

/** Applied at once here; the form's address stores it for the next page. */
function theme(button, { user }) {
  const body = new FormData(button.form);
  body.set("theme", button.value);
  const { value } = button;
  applyAppearance("theme", value);
  broadcastAppearance(user, "theme", value);
  fetch(button.form.action, {
    method: "POST",
    body,
    headers: user ? { "X-Acting-User": user } : {},
    redirect: "manual",
  }).catch(() => {});
}

const DO = { copy, share, "show-password": showPassword, theme };
const isHere = ({ dataset }) => Object.hasOwn(DO, dataset.action);

/** `me`: the user of this page, or null; `performPress` of pages/lazy.js, if this module loads later. */
export function start({ announcer, me: user = null, performPress }) {
  guardSubmits();
  for (const button of document.querySelectorAll('[data-action="share"]')) button.hidden = !navigator.share;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (!button || !isHere(button)) return;
    event.preventDefault();
    DO[button.dataset.action](button, { announcer, user });
  });
  performPress?.(isHere);
}
