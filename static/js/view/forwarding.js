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
    if (messages.length)
      this.askForChat(this.#options.t("Forward to…"), (chat) => (done(), this.#send(chat, from, messages)));
  }

  /** Asks for one that can be written to; `use(chat)` gets its row. */
  askForChat(label, use) {
    const { switcher, rows } = this.#options;
    const canWrite = (row) => row.can_send !== false;
    switcher.show({
      ...{ label, rows: () => rows().filter(canWrite), current: () => null },
      open: async (target) => use(await this.#chatOf(target)),
    });
  }

  async #chatOf({ room, username }) {
    const { api, list } = this.#options;
    const chat = room ? list.get(room) : await api.post("/api/v1/conversations", { user: username }).catch(() => null);
    if (chat && !list.get(chat.room)) list.put(chat);
    return chat;
  }

  #send(chat, from, messages) {
    const { outbox, t, go, toast, announce } = this.#options;
    if (!chat) return toast(t("The chat couldn’t be opened, so nothing was forwarded."));
    const { room, peer } = chat;
    for (const { seq, body, attachments } of messages)
      outbox.addMessage({ room, body, forward: { room: from, seq }, ...(attachments?.length && { attachments }) });
    const text = t("Forwarded to {name}", { name: peer.name });
    toast(text, room === from ? null : { label: t("Open"), onPress: () => go(room) });
    announce(text);
  }
}
