// Presence and typing of the peers in view. The server is asked only while the chat or a row of the list needs it.

import { Timer } from "../lib/timing.js";
import { roomClose, roomOpen } from "../protocol/commands.js";
import { connectionNotice } from "./connection-notice.js";
import { PeerTyping } from "./typing.js";

/** A chat that moves from the screen to the list, or back, is not requested again within this time. */
const LINGER_MS = 3_000;
/** The server accepts 50 rooms for one socket. */
const AT_MOST = 50;
const NOTHING = { online: false, typing: false, lastSeen: null };
const OVER = new Set(["stopped", "signed-out", "other-account", "replaced"]);

export class PeersPresence {
  #options;
  #rooms = new Map();
  #connection = null;
  #timer;
  /** The page shows that it has no connection: then the presence of every peer is unknown. */
  #isDisconnected = false;

  /** `onChange()` is called after every change of any peer. */
  constructor({ clock, send, onChange }) {
    this.#options = { clock, send, onChange };
    this.#timer = new Timer(clock, () => this.#evaluate());
  }

  /** `by` names the part that needs it; `onChange()` is called until `release`. */
  want(room, peer, by, onChange = () => {}) {
    const entry = this.#rooms.get(room) ?? this.#make(room, peer);
    entry.by.set(by, onChange);
    entry.lingers.clear();
    this.#open(room, entry);
  }

  release(room, by) {
    const entry = this.#rooms.get(room);
    if (!entry?.by.delete(by) || entry.by.size) return;
    if (this.#rooms.size >= AT_MOST) this.#close(room, entry);
    else entry.lingers.set(this.#options.clock.now() + LINGER_MS);
  }

  get(room) {
    const entry = this.#rooms.get(room);
    if (!entry || this.#isDisconnected) return NOTHING;
    return { online: entry.presence.online, typing: entry.typing.on, lastSeen: entry.presence.lastSeen };
  }

  connected(connection) {
    this.#connection = connection;
    for (const entry of this.#rooms.values()) if (connection.establishedAt === null) entry.isOpen = false;
    this.#evaluate();
    for (const [room, entry] of this.#rooms) this.#open(room, entry);
  }

  handle(event) {
    const { type, room, user } = event;
    if (type === "typing" && this.#rooms.get(room)?.peer === user) this.#rooms.get(room).typing.receive(event);
    else if (type === "message.created" && this.#rooms.get(room)?.peer === event.message.sender)
      this.#rooms.get(room).typing.ended();
    else if (type === "presence")
      for (const entry of this.#rooms.values()) if (entry.peer === user) entry.presence.receive(event);
  }

  #make(room, peer) {
    const { clock } = this.#options;
    const entry = { peer, by: new Map(), isOpen: false, lingers: new Timer(clock, () => this.#close(room, entry)) };
    this.#forget(entry);
    this.#rooms.set(room, entry);
    return entry;
  }

  #forget(entry) {
    const { clock } = this.#options;
    const onChange = () => this.#changed(entry);
    // Timers of the previous state must not call back.
    entry.presence?.end();
    entry.typing?.end();
    Object.assign(entry, {
      presence: new PeerPresence({ clock, onChange }),
      typing: new PeerTyping({ clock, onChange }),
    });
  }

  #changed(entry) {
    for (const onChange of entry.by.values()) onChange();
    this.#options.onChange();
  }

  /** After every reconnect the rooms in view are opened again, and the server sends their state. */
  #open(room, entry) {
    if (this.#connection?.name === "live" && !entry.isOpen) entry.isOpen = this.#options.send(roomOpen({ room }));
  }

  #close(room, entry) {
    if (entry.isOpen) this.#options.send(roomClose({ room }));
    this.#rooms.delete(room);
  }

  /** At the same time as the notice, so that a short interruption does not make the dots flicker. */
  #evaluate() {
    const { notice, until } = connectionNotice(this.#connection, this.#options.clock.now());
    this.#timer.set(until);
    const isDisconnected = notice !== "quiet" || OVER.has(this.#connection.name);
    if (isDisconnected === this.#isDisconnected) return;
    this.#isDisconnected = isDisconnected;
    for (const entry of this.#rooms.values()) {
      if (isDisconnected) this.#forget(entry);
      this.#changed(entry);
    }
  }
}

export class PeerPresence {
  online = false;
  lastSeen = null;
  #clock;
  #onChange;
  #timer;

  constructor({ clock, onChange = () => {} }) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#timer = new Timer(clock, () => this.#put(false, this.lastSeen));
  }

  receive({ online, ttl_ms: ttl = 0, last_seen: lastSeen = null }) {
    this.#timer.set(online ? this.#clock.now() + ttl : null);
    this.#put(online, lastSeen);
  }

  /** No further change is reported. */
  end() {
    this.#timer.clear();
    this.#onChange = () => {};
  }

  #put(online, lastSeen) {
    const isNew = online !== this.online || lastSeen !== this.lastSeen;
    Object.assign(this, { online, lastSeen });
    if (isNew) this.#onChange();
  }
}

/** The text for a peer who is offline. */
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

/** The line under the name, the first that applies; null for no text. */
export function statusLine({ presence, t, dates }) {
  if (presence.typing) return { state: "typing", text: t("typing…") };
  if (presence.online) return { state: "online", text: t("online") };
  return presence.lastSeen ? { state: null, text: lastSeen(presence.lastSeen, { t, dates }) } : null;
}
