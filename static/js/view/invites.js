// Invites from anywhere in the shell: the buttons open a dialog over the page, and a link that is accepted says so.

import { AcceptedInvites, acceptedNotice } from "./accepted-invites.js";

const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;

/** Returns what wants to hear that a room changed. Without the dialog the buttons are the links to the page of invites that they always were. */
export function invites(shell, { open, say }) {
  const { page, list, api, t, clock } = shell;
  let dialog = null;

  async function show(opener) {
    const { InviteDialog } = await import("./invite-dialog.js");
    dialog ??= new InviteDialog(shell);
    await dialog.show(opener);
  }

  // On the page of invites they lead to a fresh form.
  const openers = page.page === "invites" ? [] : document.querySelectorAll('[data-action="invite"]');
  for (const opener of openers) {
    opener.setAttribute("aria-haspopup", "dialog");
    opener.addEventListener("click", (event) => {
      if (!isPlain(event)) return;
      event.preventDefault();
      show(opener).catch(() => location.assign(opener.href));
    });
  }

  const onAccepted = (news) => {
    dialog?.accepted(news);
    const line = document.querySelector(`main [data-invite="${CSS.escape(news.id)}"]`);
    line?.replaceChildren(acceptedNotice({ ...news, t }));
  };
  return new AcceptedInvites({ rows: page.conversations ?? [], list, api, t, clock, say, open, onAccepted });
}
