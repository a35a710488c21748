// Whether the peer is here (ui-spec R4): believed for as long as the server said, and no longer without another word.

import { Alarm } from "../lib/timing.js";

export class PeerPresence {
  online = false;
  lastSeen = null;
  #clock;
  #onChange;
  #alarm;

  constructor({ clock, onChange = () => {} }) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#alarm = new Alarm(clock, () => this.#put(false, this.lastSeen));
  }

  heard({ online, ttl_ms: ttl = 0, last_seen: lastSeen = null }) {
    this.#alarm.set(online ? this.#clock.now() + ttl : null);
    this.#put(online, lastSeen);
  }

  #put(online, lastSeen) {
    const isNew = online !== this.online || lastSeen !== this.lastSeen;
    Object.assign(this, { online, lastSeen });
    if (isNew) this.#onChange();
  }
}

/** The line under the name, the first that applies; null for nothing to say. */
export function statusLine({ typing, presence, t, dates }) {
  if (typing.on) return { state: "typing", text: t("typing…") };
  if (presence.online) return { state: "online", text: t("online") };
  return presence.lastSeen ? { state: null, text: dates.lastSeen(presence.lastSeen) } : null;
}
