// The page of invites while it is open: a link that somebody accepts says so at once, and offers the chat. Takes no focus.

import { toast } from "./toast.js";

export class AcceptedInvites {
  #known;
  #with;

  /** `rooms` stand in the list already; `invites()` -> promise of my invites as the API gives them. */
  constructor({ rooms, invites, t, clock, open }) {
    this.#known = new Set(rooms);
    this.#with = { invites, t, clock, open };
  }

  /** A chat that was not there before may come from one of the links on this page; the server knows. */
  async changed(room) {
    if (this.#known.has(room)) return;
    this.#known.add(room);
    const invites = await this.#with.invites().catch(() => []);
    for (const { id, state, claimed_by: person } of invites) {
      const line = document.querySelector(`[data-invite="${CSS.escape(id)}"]`);
      if (line && state === "used" && person) this.#tell(line, person.name, room);
    }
  }

  #tell(line, name, room) {
    const { t, clock, open } = this.#with;
    const text = t("{name} accepted your invite", { name });
    const said = Object.assign(document.createElement(line.tagName), { textContent: text });
    line.replaceWith(said);
    toast(text, { clock, button: { label: t("Open chat"), onPress: () => open(room) } });
  }
}
