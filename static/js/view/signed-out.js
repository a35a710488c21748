// The dialogs of an ended session: the chat stays visible behind them, and what was typed stays on this device.

const create = (tag, properties) => Object.assign(document.createElement(tag), properties);

function build({ title, text, actions }) {
  const dialog = create("dialog", { className: "dialog" });
  dialog.dataset.view = "signed-out";
  const heading = create("h2", { className: "dialog__title", id: "signed-out-title", textContent: title });
  const words = create("p", { id: "signed-out-text", textContent: text });
  const row = create("div", { className: "dialog__actions" });
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.setAttribute("aria-describedby", words.id);
  row.append(...actions);
  dialog.append(heading, words, row);
  document.body.append(dialog);
  for (const other of document.querySelectorAll("dialog[open]")) other.close();
  dialog.showModal();
  return dialog;
}

const isShown = () => document.querySelector('dialog[data-view="signed-out"]');
const link = (textContent, href, { autofocus } = {}) =>
  create("a", { className: "button button--main", href, textContent, autofocus });

/**
 * `login` is the address that leads back here. Esc and the backdrop do not close it: nothing behind it works any more.
 */
export function showSignedOut({ t, login }) {
  if (isShown()) return;
  const dialog = build({
    title: t("You have been logged out."),
    text: t("Your unsent text is kept on this device."),
    actions: [link(t("Log in again"), login, { autofocus: true })],
  });
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  // A browser closes it all the same at the second Esc.
  dialog.addEventListener("close", () => dialog.showModal());
}

/** Can be closed, so that the user can copy unsent text: the next page belongs to another account. */
export function showOtherAccount({ t }) {
  if (isShown()) return;
  const close = create("button", { type: "button", className: "button", textContent: t("Close"), autofocus: true });
  const dialog = build({
    title: t("Another account is logged in to this browser now."),
    text: t("This page no longer sends messages. Copy your unsent text before you reload it."),
    actions: [link(t("Reload"), "/chats/"), close],
  });
  close.addEventListener("click", () => dialog.close());
}
