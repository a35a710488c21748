// A link of mine that somebody accepts while I am here says so at once, on whatever page, and suggestions the chat. Takes no focus.

import { retryUntilAnswered } from "../lib/timing.js";
import { toast } from "./toast.js";

const INVITES = "/api/v1/invites";

/** What stands in the place of a link that has been accepted. May be given the focus, where that was on the link. */
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

  /** `rows` are those that the page came with; `onAccepted({id, name, room})` shows it where the link itself stands, and returns whether it does. */
  constructor({ rows, ...options }) {
    this.#known = new Set(rows.map(({ room }) => room));
    // By the server's clock: what moved later than everything on the page is news, and not an old chat that was scrolled into the list.
    this.#since =
      rows
        .map(({ activity }) => activity ?? "")
        .sort()
        .at(-1) ?? "";
    this.#options = options;
  }

  /** A chat that was not there before may come from a link of mine; the server knows. */
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
