// What a page shows of the choices in the settings: attributes of <html>. One tab tells the others.

import { optional } from "../lib/errors.js";

export const SHOWN = { theme: "theme", text_size: "text", enter: "enter", hours: "hours" };

const NEXT_THEME = { auto: "dark", dark: "light", light: "auto" };

export function applyAppearance(name, value) {
  if (name in SHOWN) document.documentElement.dataset[SHOWN[name]] = value;
  if (name === "theme")
    for (const button of document.querySelectorAll('[data-action="theme"]')) showTheme(button, value);
}

/** It says what is chosen, and suggestions what comes next. */
function showTheme(button, value) {
  const said = button.dataset[`label${value[0].toUpperCase()}${value.slice(1)}`];
  if (said) Object.assign(button, { title: said, ariaLabel: said });
  button.value = NEXT_THEME[value] ?? "auto";
}

/** To the other tabs of this account; where the browser has no way to tell them, they show it when they are loaded again. */
export function broadcastAppearance(user, name, value) {
  optional(() => {
    const channel = new BroadcastChannel(`app:${user}`);
    channel.postMessage({ kind: "look", name, value });
    channel.close();
  });
}

const isTyped = (field) =>
  field.type !== "hidden" &&
  !field.closest('[data-view="composer"]') &&
  (["checkbox", "radio"].includes(field.type)
    ? field.checked !== field.defaultChecked
    : field.value !== field.defaultValue);

/** Text of this page that a reload would lose: everything but messages, which are kept as drafts. */
export const hasTyped = () => [...document.querySelectorAll("textarea, input")].some(isTyped);

/** Another tab has chosen. A page of another language is loaded again, unless something would be lost; then it is when it leads elsewhere. */
export function followAppearance({ name, value }, { drafts, outbox, keepAll, formatTimes }) {
  applyAppearance(name, value);
  if (name === "hours") formatTimes();
  if (name !== "language" || document.documentElement.lang.toLowerCase() === String(value).toLowerCase()) return;
  keepAll();
  if (!drafts.isAtRisk && !outbox.isAtRisk && !hasTyped() && !document.querySelector("dialog[open]")) location.reload();
}
