// Applies the appearance settings to the page, as attributes of <html>, and broadcasts them to the other tabs.

import { isChanged } from "../lib/dom.js";
import { optional } from "../lib/errors.js";

export const SHOWN = { theme: "theme", text_size: "text", enter: "enter", hours: "hours" };

const NEXT_THEME = { auto: "dark", dark: "light", light: "auto" };

export function applyAppearance(name, value) {
  if (name in SHOWN) document.documentElement.dataset[SHOWN[name]] = value;
  if (name === "theme")
    for (const button of document.querySelectorAll('[data-action="theme"]')) showTheme(button, value);
}

/** Its label names the current theme, its value is the next one. */
function showTheme(button, value) {
  const said = button.dataset[`label${value[0].toUpperCase()}${value.slice(1)}`];
  if (said) Object.assign(button, { title: said, ariaLabel: said });
  button.value = NEXT_THEME[value] ?? "auto";
}

/** Broadcasts to the other tabs of this account; without BroadcastChannel they show it after a reload. */
export function broadcastAppearance(user, name, value) {
  optional(() => {
    const channel = new BroadcastChannel(`app:${user}`);
    channel.postMessage({ kind: "look", name, value });
    channel.close();
  });
}

/** Text that a reload would lose: everything but messages, which are stored as drafts. */
export const hasTyped = () => 
  [...document.querySelectorAll("textarea, input")].some(
    (field) => !field.closest('[data-view="composer"]') && isChanged(field),
  );

/** Another tab changed a setting. For another language the page is reloaded, unless something would be lost. */
export function followAppearance({ name, value }, { drafts, outbox, keepAll, formatTimes }) {
  applyAppearance(name, value);
  if (name === "hours") formatTimes();
  if (name !== "language" || document.documentElement.lang.toLowerCase() === String(value).toLowerCase()) return;
  keepAll();
  if (!drafts.isAtRisk && !outbox.isAtRisk && !hasTyped() && !document.querySelector("dialog[open]")) location.reload();
}
