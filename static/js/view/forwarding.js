// Forwarding: the chat is chosen in the quick switcher, and gets each message as a message of its own.

export class Forwarding {
  #options;

  /**
   * `switcher` (QuickSwitcher), `rows()`, `list`, `api`, `outbox`, `t`; `announce(text)`, `toast(text, button)`,
   * `go(room)` opens a chat.
   */
  constructor(options) {
    this.#options = options;
  }

  /** `messages` of the chat `from`; `done()` when a chat was chosen. */
  choose(from, messages, done = () => {}) {
    const { switcher, rows, t } = this.#options;
    if (!messages.length) return;
    switcher.show({
      label: t("Forward to…"),
      rows: () => rows().filter((row) => row.can_send !== false),
      current: () => null,
      open: (target) => (done(), this.#send(target, from, messages)),
    });
  }

  async #send({ room: known, username }, from, messages) {
    const { api, list, outbox, t, go, toast, announce } = this.#options;
    const made = () => api.post("/api/v1/conversations", { user: username }).catch(() => null);
    const chat = known ? list.get(known) : await made();
    if (!chat) return toast(t("The chat couldn’t be opened, so nothing was forwarded."));
    const { room, peer } = chat;
    if (!list.get(room)) list.put(chat);
    for (const { seq, body, attachments } of messages)
      outbox.addMessage({ room, body, forward: { room: from, seq }, ...(attachments?.length && { attachments }) });
    const text = t("Forwarded to {name}", { name: peer.name });
    toast(text, room === from ? null : { label: t("Open"), onPress: () => go(room) });
    announce(text);
  }
}
