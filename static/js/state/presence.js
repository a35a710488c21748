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

  /** Nothing more is told of it. */
  end() {
    this.#alarm.clear();
    this.#onChange = () => {};
  }

  #put(online, lastSeen) {
    const isNew = online !== this.online || lastSeen !== this.lastSeen;
    Object.assign(this, { online, lastSeen });
    if (isNew) this.#onChange();
  }
}

/** What is said of somebody who is not here. */
export function lastSeen(moment, { t, dates }) {
  const n = Math.floor((dates.now() - Date.parse(moment)) / 60_000);
  if (n < 1) return t("last seen just now");
  if (n < 60) return t("last seen {n} minute ago|last seen {n} minutes ago", { n });
  const day = dates.dayKey(moment);
  const ago = dates.daysAgo(day);
  if (ago === 0) return t("last seen today at {time}", { time: dates.time(moment) });
  if (ago === 1) return t("last seen yesterday at {time}", { time: dates.time(moment) });
  return t("last seen {date}", { date: dates.date(day, "long") });
}

/** The line under the name, the first that applies; null for nothing to say. */
export function statusLine({ signs, t, dates }) {
  if (signs.typing) return { state: "typing", text: t("typing…") };
  if (signs.online) return { state: "online", text: t("online") };
  return signs.lastSeen ? { state: null, text: lastSeen(signs.lastSeen, { t, dates }) } : null;
}
