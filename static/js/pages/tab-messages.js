// What the other tabs of the account tell this one: drafts, the outbox, settings and the log-out.

export function receiveTabMessage(shell, kind, { room, ...data }) {
  // This page is being left through its own log-out form; the answer to that form clears the browser.
  if (document.documentElement.dataset.leaving) return;
  const { chats, events, outbox } = shell;
  if (kind === "stored" && shell.isWiped) return checkWipe(shell);
  if (kind === "outbox" || kind === "stored") outbox.reload();
  else if (kind === "log-out") shell.loggedOut();
  if (kind === "look")
    import("../view/appearance.js").then(
      (found) => found.followAppearance(data, shell),
      () => {},
    );
  if (kind === "draft") chats.get(room)?.chat.followDraft(data);
  if (kind === "stored") for (const { chat } of chats.values()) chat.followDraft();
  if (kind === "draft" || kind === "stored") events.emit("redraw");
}

/**
 * The storage was emptied as a whole: not because another tab has sent everything, but by a page of another account.
 */
async function checkWipe({ apiLoaded, store }) {
  if ((await (await apiLoaded).whyRefused()) === "unknown") store.set("here", true);
}
