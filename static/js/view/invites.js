// Invites from anywhere in the shell: the buttons open a dialog over the page, and a link that is accepted says so.

import { AcceptedInvites, acceptedNotice } from "./accepted-invites.js";

const OPENER = '[data-action="invite"]';
const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;

/** The links to the page of invites open a dialog. On that page itself they lead to a fresh form. */
export function offerInvites(root, { page }) {
  if (page.page !== "invites")
    for (const opener of root.querySelectorAll(OPENER)) opener.setAttribute("aria-haspopup", "dialog");
}

/** Returns what wants to hear that a room changed. Without the dialog the buttons are the links to the page of invites that they always were. */
export function invites(shell, { open, say }) {
  const { page, list, api, t, clock } = shell;
  let dialog = null;

  async function show(opener) {
    const { InviteDialog } = await import("./invite-dialog.js");
    dialog ??= new InviteDialog(shell);
    await dialog.show(opener);
  }

  offerInvites(document, shell);
  document.addEventListener("click", (event) => {
    const opener = event.target.closest(OPENER);
    if (!opener || page.page === "invites" || !isPlain(event)) return;
    event.preventDefault();
    show(opener).catch(() => location.assign(opener.href));
  });

  const onAccepted = (news) => {
    const isShown = dialog?.accepted(news) ?? false;
    const line = document.querySelector(`main [data-invite="${CSS.escape(news.id)}"]`);
    line?.replaceChildren(acceptedNotice({ ...news, t }));
    return isShown || Boolean(line);
  };
  return new AcceptedInvites({ rows: page.conversations ?? [], list, api, t, clock, say, open, onAccepted });
}
