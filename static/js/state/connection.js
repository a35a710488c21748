// The connection's state machine: events go in, effects come out. It has no socket, no timer and no page.

import { backoff } from "../lib/timing.js";

const HANDSHAKE_MS = 10_000;
const CATCH_UP_MS = 10_000;
const PONG_MS = 10_000;
const PONG_LATEST_MS = 20_000;
const MIN_ATTEMPT_MS = 3_000;
const STABLE_MS = 60_000;
/** After a close with one of these codes no new socket is tried by itself. */
const CLOSE_CODES = { 4401: "signed-out", 4403: "stopped", 4404: "stopped", 4426: "stopped", 4409: "replaced" };

/** How long after a ping the connection becomes suspect, and how long until it is given up. */
const WOKEN = { doubt: 1_000, within: 4_000 };
const SLEPT = { doubt: 0, within: 3_000 };
const NO_NETWORK = { doubt: 0, within: 1_000 };

function connect(c) {
  Object.assign(c, { name: "connecting", triedAt: c.now, wakeAt: c.now + HANDSHAKE_MS });
  return ["open"];
}

/** A user's press does not wait for a connection attempt that hangs, but does not cut short one that has just begun. */
const reconnectNow = (c) => (c.now - c.triedAt >= MIN_ATTEMPT_MS ? connect(c) : []);

/** The deadline passed while the page was frozen, so the greeting may have arrived unread. */
function extendDeadline(c) {
  c.wakeAt = Math.max(c.wakeAt, c.now + SLEPT.within);
  return [];
}

function established(c, { heartbeat_ms: heartbeat = 25_000 }) {
  Object.assign(c, {
    name: "catching-up",
    heartbeat,
    establishedAt: c.now,
    askedAt: null,
    doubtAt: null,
    pongBy: null,
    deviceOffline: false,
    isReachable: false,
  });
  c.pingAt = c.now + heartbeat;
  c.liveBy = c.now + CATCH_UP_MS;
  return scheduleNext(c);
}

/** A suspect connection stays suspect until a frame is received. */
function caughtUp(c) {
  c.liveBy = null;
  if (c.name === "catching-up") c.name = "live";
  return scheduleNext(c);
}

function scheduleNext(c, effects = []) {
  c.wakeAt = Math.min(...[c.pingAt, c.doubtAt, c.pongBy, c.liveBy].filter((at) => at != null));
  return effects;
}

/** A pong: the connection works both ways. */
function pongReceived(c) {
  c.askedAt = c.doubtAt = c.pongBy = null;
  return restoreTrust(c);
}

/** Any other frame: one direction works. The pong may be queued, but not for ever: the ping may never have arrived. */
function frameReceived(c) {
  c.doubtAt = null;
  if (c.pongBy != null) c.pongBy = Math.max(c.pongBy, Math.min(c.now + PONG_MS, c.askedAt + PONG_LATEST_MS));
  return restoreTrust(c);
}

function restoreTrust(c) {
  if (c.name === "suspect") c.name = c.liveBy == null ? "live" : "catching-up";
  return scheduleNext(c);
}

/** Sends a ping. If one is unanswered already, the earlier deadline stays. */
function probe(c, { doubt, within }) {
  c.askedAt ??= c.now;
  c.pongBy = Math.min(c.pongBy ?? Infinity, c.now + within);
  if (c.name !== "suspect") c.doubtAt = Math.min(c.doubtAt ?? Infinity, c.now + doubt);
  if (c.doubtAt === c.now) suspect(c);
  c.pingAt = c.now + c.heartbeat;
  return scheduleNext(c, ["ping"]);
}

/** Possibly half-open: the socket is kept, but nothing more is sent on it. */
function suspect(c) {
  if (c.name === "live") c.lostAt = c.now;
  Object.assign(c, { name: "suspect", doubtAt: null });
}

/** Deadlines that passed during the sleep prove nothing: the pong may have come meanwhile. */
function slept(c) {
  c.askedAt = c.doubtAt = c.pongBy = null;
  return probe(c, SLEPT);
}

function tick(c) {
  if (c.pongBy != null && c.now >= c.pongBy) return lost(c, {}, ["close"]);
  if (c.doubtAt != null && c.now >= c.doubtAt) suspect(c);
  if (c.liveBy != null && c.now >= c.liveBy) caughtUp(c);
  if (c.now < c.pingAt) return scheduleNext(c);
  // A server with a shorter heartbeat expects a shorter timeout.
  const within = Math.min(PONG_MS, c.heartbeat);
  return probe(c, { doubt: within / 2, within });
}

function lost(c, { code }, effects = []) {
  if (c.name === "live") c.lostAt = c.now;
  if (CLOSE_CODES[code]) return halt(c, CLOSE_CODES[code], effects);
  const isUnexplained = c.name === "connecting" && !(code >= 4_000);
  if (c.establishedAt != null && c.now - c.establishedAt >= STABLE_MS) c.attempt = 0;
  c.establishedAt = null;
  c.wakeAt = Math.max(c.now, c.notBefore) + backoff(c.attempt, c.random);
  c.attempt += 1;
  c.name = c.deviceOffline ? "offline" : "backing-off";
  // A refused handshake has no reason (it is a bare 403), so the HTTP API is asked.
  return isUnexplained ? [...effects, "ask"] : effects;
}

function halt(c, name, effects) {
  Object.assign(c, { name, establishedAt: null, wakeAt: null, isReachable: false });
  return effects;
}

function bye(c, { code, retry_after_ms: wait = 0 }) {
  c.notBefore = c.now + (wait ?? 0);
  return lost(c, { code }, ["close"]);
}

const timedOut = (c) => lost(c, {}, ["close"]);

function verdict(c, { reason }) {
  c.isReachable = reason === "reachable";
  return reason === "signed-out" || reason === "stopped" || reason === "other-account"
    ? halt(c, reason, ["close"])
    : [];
}

/** The browser's session belongs to another account by now. This page never continues as that account. */
const otherAccount = (c) => halt(c, "other-account", ["close"]);

/** Reconnects at once, but never before the time that the server named. */
function connectSoon(c) {
  if (c.now >= c.notBefore) return connect(c);
  c.wakeAt = c.notBefore;
  return [];
}

function online(c) {
  c.deviceOffline = false;
  if (c.name === "offline") c.name = "backing-off";
  return connectSoon(c);
}

function offline(c) {
  c.deviceOffline = true;
  if (c.name === "backing-off") c.name = "offline";
  return [];
}

const waiting = {
  ...{ tick: connect, wake: connectSoon, slept: connectSoon },
  online,
  offline,
  verdict,
  "other-account": otherAccount,
};
const open = {
  "other-account": otherAccount,
  pong: pongReceived,
  frame: frameReceived,
  bye,
  slept,
  closed: lost,
  tick,
  "caught-up": caughtUp,
  wake: (c) => probe(c, WOKEN),
  online: (c) => ((c.deviceOffline = false), probe(c, WOKEN)),
  // The device may be wrong (the server may be local), so a ping decides.
  offline: (c) => ((c.deviceOffline = true), probe(c, NO_NETWORK)),
};
const TRANSITIONS = {
  idle: { start: connect, "other-account": otherAccount },
  connecting: {
    established,
    bye,
    offline,
    verdict,
    closed: lost,
    tick: timedOut,
    slept: extendDeadline,
    wake: reconnectNow,
    "other-account": otherAccount,
    online: (c) => ((c.deviceOffline = false), reconnectNow(c)),
  },
  "catching-up": open,
  live: open,
  suspect: open,
  "backing-off": waiting,
  offline: waiting,
  // Never by itself, or 21 tabs would replace each other's connection for ever.
  replaced: { wake: connect, pressed: connect, "other-account": otherAccount },
  "signed-out": {},
  "other-account": {},
  stopped: {},
};

export class Connection {
  name = "idle";
  attempt = 0;
  wakeAt = null;
  notBefore = 0;
  establishedAt = null;
  liveBy = null;
  deviceOffline = false;
  /** Sockets are refused or blocked, but HTTP works: messages are sent over HTTP until a socket opens. */
  isReachable = false;

  constructor({ now, random = Math.random }) {
    this.random = random;
    this.now = this.lostAt = now;
  }

  /** Open and caught up. Also while suspect: what is in flight is not given up yet. */
  get isUp() {
    return this.establishedAt !== null && this.liveBy === null;
  }

  /** Handles one event; returns effects, of "open", "close", "ping" and "ask". Nothing is due before `wakeAt`. */
  on(event, now) {
    this.now = now;
    if (event.type === "tick" && (this.wakeAt == null || now < this.wakeAt)) return [];
    const transition = TRANSITIONS[this.name][event.type];
    return transition ? transition(this, event) : [];
  }
}
