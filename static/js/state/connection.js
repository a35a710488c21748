// The life of the connection as a table of moves: what happened goes in, what is to be done comes out. No socket, no timer, no page.

import { backoff } from "../lib/timing.js";

const GREETING_MS = 10_000;
const CATCH_UP_MS = 10_000;
const PONG_MS = 10_000;
const PROBE_MS = 5_000;
const OFFLINE_PROBE_MS = 1_000;
const STABLE_MS = 60_000;
const STOPS = new Map([[4401, "signed-out"], [4403, "stopped"], [4404, "stopped"], [4426, "stopped"], [4409, "resting"]]);

/** What the strip above the messages says (ui-spec K1): "quiet", "connecting", "offline", and when to look again. */
export function strip({ name, lostAt, deviceOffline }, now) {
  if (name === "live" || name === "stopped" || name === "signed-out") return { says: "quiet", until: null };
  const lost = now - lostAt;
  if (lost >= 15_000 || (deviceOffline && lost >= 1_000)) return { says: "offline", until: null };
  if (lost >= 3_000) return { says: "connecting", until: lostAt + 15_000 };
  return { says: "quiet", until: lostAt + (deviceOffline ? 1_000 : 3_000) };
}

function connect(c) {
  c.name = "connecting";
  c.wakeAt = c.now + GREETING_MS;
  return ["open"];
}

function greeted(c, { heartbeat_ms: heartbeat = 25_000 }) {
  Object.assign(c, { name: "catching-up", heartbeat, greetedAt: c.now, pongBy: null, deviceOffline: false });
  c.pingAt = c.now + heartbeat;
  c.liveBy = c.now + CATCH_UP_MS;
  return watch(c);
}

function caughtUp(c) {
  Object.assign(c, { name: "live", liveBy: null });
  return watch(c);
}

function watch(c, effects = []) {
  c.wakeAt = Math.min(...[c.pingAt, c.pongBy, c.liveBy].filter((at) => at != null));
  return effects;
}

/** Any frame shows that the line is alive, not only a pong. */
function heard(c) {
  c.pongBy = null;
  return watch(c);
}

function probe(c, within) {
  c.pongBy = Math.min(c.pongBy ?? Infinity, c.now + within);
  return watch(c, ["ping"]);
}

function beat(c) {
  if (c.pongBy != null && c.now >= c.pongBy) return lost(c, {}, ["close"]);
  if (c.liveBy != null && c.now >= c.liveBy) caughtUp(c);
  if (c.now < c.pingAt) return watch(c);
  c.pingAt = c.now + c.heartbeat;
  return probe(c, PONG_MS);
}

function lost(c, { code }, effects = []) {
  if (c.name === "live") c.lostAt = c.now;
  if (STOPS.has(code)) return rest(c, STOPS.get(code), effects);
  const unheard = c.name === "connecting";
  if (c.greetedAt != null && c.now - c.greetedAt >= STABLE_MS) c.attempt = 0;
  c.greetedAt = null;
  c.wakeAt = Math.max(c.now, c.notBefore) + backoff(c.attempt, c.random);
  c.attempt += 1;
  c.name = c.deviceOffline ? "offline" : "backing-off";
  // A refused handshake never says why (it is a bare 403), so the HTTP API is asked.
  return unheard ? [...effects, "ask"] : effects;
}

function rest(c, name, effects) {
  Object.assign(c, { name, wakeAt: null });
  return effects;
}

function bye(c, { code, retry_after_ms: wait = 0 }) {
  c.notBefore = c.now + (wait ?? 0);
  return lost(c, { code }, ["close"]);
}

const timedOut = (c) => lost(c, {}, ["close"]);

function verdict(c, { says }) {
  return says === "signed-out" || says === "stopped" ? rest(c, says, ["close"]) : [];
}

/** Back at once, but never before the moment that the server named. */
function hurry(c) {
  if (c.now >= c.notBefore) return connect(c);
  c.wakeAt = c.notBefore;
  return [];
}

function deviceOnline(c) {
  c.deviceOffline = false;
  if (c.name === "offline") c.name = "backing-off";
  return hurry(c);
}

/** The device says it has no network. It may be wrong (a server on this very machine), so the line is asked first. */
function deviceOffline(c) {
  c.deviceOffline = true;
  return c.name === "live" || c.name === "catching-up" ? probe(c, OFFLINE_PROBE_MS) : [];
}

const waiting = { tick: connect, wake: hurry, online: deviceOnline, offline: deviceOffline, verdict };
const open = {
  heard, bye, closed: lost, tick: beat, offline: deviceOffline, "caught-up": caughtUp,
  wake: (c) => probe(c, PROBE_MS),
  online: (c) => ((c.deviceOffline = false), probe(c, PROBE_MS)),
};
const MOVES = {
  idle: { start: connect },
  connecting: { greeted, bye, closed: lost, tick: timedOut, verdict, offline: deviceOffline, online: (c) => ((c.deviceOffline = false), []) },
  "catching-up": open,
  live: open,
  "backing-off": waiting,
  offline: waiting,
  resting: { wake: connect },
  "signed-out": {},
  stopped: {},
};

export class Connection {
  name = "idle";
  attempt = 0;
  wakeAt = null;
  notBefore = 0;
  greetedAt = null;
  deviceOffline = false;

  constructor({ now, random = Math.random }) {
    this.random = random;
    this.now = this.lostAt = now;
  }

  /** Takes one thing that happened; returns what to do, of "open", "close", "ping" and "ask". Nothing is due before `wakeAt`. */
  on(event, now) {
    this.now = now;
    if (event.type === "tick" && (this.wakeAt == null || now < this.wakeAt)) return [];
    const move = MOVES[this.name][event.type];
    return move ? move(this, event) : [];
  }
}
