// What the peers of the chats in view are doing, as far as the server tells: asked for as long as the pane or a row of the list wants it.

import { Alarm } from "../lib/timing.js";
import { roomClose, roomOpen } from "../protocol/commands.js";
import { PeerPresence } from "./presence.js";
import { strip } from "./connection-notice.js";
import { PeerTyping } from "./typing.js";

/** From pane to row and back nothing is asked anew: what is wanted again so soon was never let go. */
const LINGER_MS = 3_000;
/** The server takes 50 for one socket. */
const AT_MOST = 50;
const NOTHING = { online: false, typing: false, lastSeen: null };
const OVER = new Set(["stopped", "signed-out", "other-account", "resting"]);

export class PeerSigns {
  #with;
  #rooms = new Map();
  #connection = null;
  #alarm;
  /** The page says by now that it has no connection: then it knows of nobody whether they are here. */
  #isAway = false;

  /** `onChange()` after every change of any of them. */
  constructor({ clock, send, onChange }) {
    this.#with = { clock, send, onChange };
    this.#alarm = new Alarm(clock, () => this.#judge());
  }

  /** `by` is who wants it; `onChange()` is told until `release`. */
  want(room, peer, by, onChange = () => {}) {
    const signs = this.#rooms.get(room) ?? this.#make(room, peer);
    signs.by.set(by, onChange);
    signs.lingers.clear();
    this.#open(room, signs);
  }

  release(room, by) {
    const signs = this.#rooms.get(room);
    if (!signs?.by.delete(by) || signs.by.size) return;
    if (this.#rooms.size >= AT_MOST) this.#close(room, signs);
    else signs.lingers.set(this.#with.clock.now() + LINGER_MS);
  }

  get(room) {
    const signs = this.#rooms.get(room);
    if (!signs || this.#isAway) return NOTHING;
    return { online: signs.presence.online, typing: signs.typing.on, lastSeen: signs.presence.lastSeen };
  }

  connected(connection) {
    this.#connection = connection;
    for (const signs of this.#rooms.values()) if (connection.greetedAt === null) signs.isOpen = false;
    this.#judge();
    for (const [room, signs] of this.#rooms) this.#open(room, signs);
  }

  handle(event) {
    const { type, room, user } = event;
    if (type === "typing" && this.#rooms.get(room)?.peer === user) this.#rooms.get(room).typing.heard(event);
    else if (type === "message.created" && this.#rooms.get(room)?.peer === event.message.sender)
      this.#rooms.get(room).typing.ended();
    else if (type === "presence")
      for (const signs of this.#rooms.values()) if (signs.peer === user) signs.presence.heard(event);
  }

  #make(room, peer) {
    const { clock } = this.#with;
    const signs = { peer, by: new Map(), isOpen: false, lingers: new Alarm(clock, () => this.#close(room, signs)) };
    this.#forget(signs);
    this.#rooms.set(room, signs);
    return signs;
  }

  #forget(signs) {
    const { clock } = this.#with;
    const onChange = () => this.#changed(signs);
    // What is still due of the ones before speaks to nobody.
    signs.presence?.end();
    signs.typing?.end();
    Object.assign(signs, {
      presence: new PeerPresence({ clock, onChange }),
      typing: new PeerTyping({ clock, onChange }),
    });
  }

  #changed(signs) {
    for (const onChange of signs.by.values()) onChange();
    this.#with.onChange();
  }

  /** After every reconnect the server is told again what is in view, and tells how it stands. */
  #open(room, signs) {
    if (this.#connection?.name === "live" && !signs.isOpen) signs.isOpen = this.#with.send(roomOpen({ room }));
  }

  #close(room, signs) {
    if (signs.isOpen) this.#with.send(roomClose({ room }));
    this.#rooms.delete(room);
  }

  /** As late as the strip says it, so that a short drop makes no dot flicker. */
  #judge() {
    const { says, until } = strip(this.#connection, this.#with.clock.now());
    this.#alarm.set(until);
    const isAway = says !== "quiet" || OVER.has(this.#connection.name);
    if (isAway === this.#isAway) return;
    this.#isAway = isAway;
    for (const signs of this.#rooms.values()) {
      if (isAway) this.#forget(signs);
      this.#changed(signs);
    }
  }
}
