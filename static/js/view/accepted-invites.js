// Notices when a link of mine is accepted while I am here: on any page, with a link to the chat, without moving the
// focus.

import { retryUntilAnswered } from "../lib/timing.js";
import { toast } from "./toast.js";

const INVITES = "/api/v1/invites";

/** Replaces a link that was accepted. It can take the focus that was on the link. */
export function acceptedNotice({ name, room, t }) {
  const notice = Object.assign(document.createElement("p"), {
    className: "notice notice--good notice--accepted",
    tabIndex: -1,
  });
  const text = Object.assign(document.createElement("span"), {
    textContent: t("{name} accepted your invite", { name }),
  });
  const link = Object.assign(document.createElement("a"), { href: `/chats/${room}/`, textContent: t("Open chat") });
  notice.append(text, link);
  return notice;
}

export class AcceptedInvites {
  #known;
  #since;
  #options;

  /**
   * `rows` came with the page; `onAccepted({id, name, room})` shows it in place of the link, and returns whether it
   * did.
   */
  constructor({ rows, ...options }) {
    this.#known = new Set(rows.map(({ room }) => room));
    // By the server's clock: chats that changed later than all of these rows are new, and not old chats that were
    // scrolled into the list.
    this.#since =
      rows
        .map(({ activity }) => activity ?? "")
        .sort()
        .at(-1) ?? "";
    this.#options = options;
  }

  /** A new chat may come from a link of mine; the server knows. */
  async changed(room) {
    const { list, api, clock, onAccepted } = this.#options;
    const row = list.get(room);
    if (!row || this.#known.has(room)) return;
    this.#known.add(room);
    if (!(row.activity > this.#since)) return;
    const { items } = (await retryUntilAnswered(() => api.get(INVITES), { clock })) ?? { items: [] };
    const { id, claimed_by: person } =
      items.find(({ claimed_by, claimed_at }) => claimed_by?.id === row.peer.id && claimed_at > this.#since) ?? {};
    if (!id) return;
    this.#notify(person.name, room, onAccepted({ id, name: person.name, room }));
  }

  /** Once before the eyes. */
  #notify(name, room, isShown) {
    const { t, clock, announce, open } = this.#options;
    const text = t("{name} accepted your invite", { name });
    if (!isShown) toast(text, { clock, button: { label: t("Open chat"), onPress: () => open(room) } });
    announce(text);
  }
}
