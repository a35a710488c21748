// The session ended while a chat was open: the chat stays on the screen, dimmed, and what was typed stays on this device.

/** `login` is the address that leads back here. Esc and the backdrop close nothing: behind the dialog nothing works any more. */
export function showSignedOut({ t, login }) {
  if (document.querySelector('dialog[data-view="signed-out"]')) return;
  const dialog = Object.assign(document.createElement("dialog"), { className: "dialog" });
  dialog.dataset.view = "signed-out";
  const title = Object.assign(document.createElement("h2"), { className: "dialog__title", id: "signed-out-title", textContent: t("You have been logged out.") });
  const text = Object.assign(document.createElement("p"), { id: "signed-out-text", textContent: t("Your unsent text is kept on this device.") });
  const actions = Object.assign(document.createElement("div"), { className: "dialog__actions" });
  const link = Object.assign(document.createElement("a"), { className: "button button--main", href: login, textContent: t("Log in again"), autofocus: true });
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.setAttribute("aria-describedby", text.id);
  actions.append(link);
  dialog.append(title, text, actions);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  // A browser closes it all the same at the second Esc.
  dialog.addEventListener("close", () => dialog.showModal());
  document.body.append(dialog);
  for (const other of document.querySelectorAll("dialog[open]")) other.close();
  dialog.showModal();
}
