// The buttons below messages that were not sent. Loaded with what draws them (view/message-extras.js).

/** `root`, `room`, `chat`, `outbox`, `drafts`, `t`; `toast(text, button)`. */
export function listenForUnsent({ root, room, chat, outbox, drafts, t, toast }) {
  const discard = (entry) =>
    entry && toast(t("Message deleted"), { label: t("Undo"), onPress: () => outbox.restore(entry) });
  const acts = {
    "retry-send": (id) => outbox.retry(id),
    "retry-all": () => outbox.retryAll(room),
    "edit-send": (id) => edit(outbox.discard(id), { room, chat, outbox, drafts }),
    "discard": (id) => discard(outbox.discard(id)),
  };
  root.addEventListener("click", ({ target }) => {
    const name = target.closest("[data-action]")?.dataset.action;
    if (Object.hasOwn(acts, name ?? "")) acts[name](target.closest("[data-id]")?.dataset.id);
  });
}

/** A refused message returns to the composer, before what is typed there. In a closed chat it stays where it is. */
function edit(entry, { room, chat, outbox, drafts }) {
  if (!entry) return;
  if (!chat.composer) return outbox.restore(entry);
  chat.mode?.leave();
  chat.tray?.restore(entry.command.attachments);
  const text = [entry.command.body, drafts.get(room)?.text].filter(Boolean).join("\n");
  chat.composer.show({ text });
  chat.composer.focus();
  drafts.set(room, { text, caret: text.length });
}
