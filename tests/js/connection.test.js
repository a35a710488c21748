import assert from "node:assert/strict";
import test from "node:test";
import { Connection } from "../../static/js/state/connection.js";
import { connectionNotice } from "../../static/js/state/connection-notice.js";

const T0 = 1_000_000;
const AFTER_MS = 200;
const GREETING = { type: "established", heartbeat_ms: 25_000 };
const bye = (code) => ({ type: "bye", code, reason: "x", retryable: true, retry_after_ms: 5_000 });
const closed = (code) => ({ type: "closed", code });
const verdict = (reason) => ({ type: "verdict", reason });

const EVENTS = {
  start: { type: "start" },
  established: GREETING,
  frame: { type: "frame" },
  pong: { type: "pong" },
  "caught up": { type: "caught-up" },
  lost: closed(1006),
  "closed 4401": closed(4401),
  "closed 4409": closed(4409),
  "bye 4012": bye(4012),
  "bye 4401": bye(4401),
  "bye 4404": bye(4404),
  "bye 4409": bye(4409),
  wake: { type: "wake" },
  slept: { type: "slept" },
  online: { type: "online" },
  offline: { type: "offline" },
  "told signed-out": verdict("signed-out"),
  "told stopped": verdict("stopped"),
  "told other": verdict("other-account"),
  "told nothing": verdict("unknown"),
  "told reachable": verdict("reachable"),
  "other account": { type: "other-account" },
  pressed: { type: "pressed" },
  "ticked early": { type: "tick" },
  "ticked when due": { type: "tick" },
};

/** How each state is reached: by what happens, never by hand. */
const LIVE = [EVENTS.start, GREETING, EVENTS["caught up"]];
const REACHED = {
  idle: [],
  connecting: [EVENTS.start],
  "catching-up": [EVENTS.start, GREETING],
  live: LIVE,
  suspect: [...LIVE, EVENTS.slept],
  "backing-off": [...LIVE, EVENTS.lost],
  offline: [...LIVE, EVENTS.offline, EVENTS.lost],
  replaced: [...LIVE, EVENTS["closed 4409"]],
  "signed-out": [...LIVE, EVENTS["bye 4401"]],
  stopped: [...LIVE, EVENTS["bye 4404"]],
  "other-account": [EVENTS.start, EVENTS["other account"]],
};

/**
 * What every cell must do: the state, the effects, and how long until the next tick; "same" is the moment of before.
 */
const SETTLED = [
  "start",
  "established",
  "frame",
  "pong",
  "caught up",
  "lost",
  "closed 4401",
  "closed 4409",
  "bye 4012",
  "bye 4401",
  "bye 4404",
  "bye 4409",
];
const VERDICTS = ["told signed-out", "told stopped", "told other", "told nothing", "told reachable"];
const OTHER = { "other account": "other-account close never" };
const OPEN_ENDS = {
  ...OTHER,
  lost: "backing-off · 250",
  "closed 4401": "signed-out · never",
  "closed 4409": "replaced · never",
  "bye 4012": "backing-off close 5250",
  "bye 4401": "signed-out close never",
  "bye 4404": "stopped close never",
  "bye 4409": "replaced close never",
};
const WAITING = {
  ...OTHER,
  "told other": "other-account close never",
  wake: "connecting open 10000",
  slept: "connecting open 10000",
  online: "connecting open 10000",
  "told signed-out": "signed-out close never",
  "told stopped": "stopped close never",
  "ticked when due": "connecting open 10000",
};
const TABLE = {
  idle: {
    ...OTHER,
    start: "connecting open 10000",
    nothing: [...SETTLED.slice(1), "pressed", "wake", "slept", "online", "offline", ...VERDICTS, "ticked early"],
  },
  connecting: {
    ...OPEN_ENDS,
    established: "catching-up · 10000",
    lost: "backing-off ask 250",
    "told reachable": "connecting · same",
    "told signed-out": "signed-out close never",
    "told stopped": "stopped close never",
    "told other": "other-account close never",
    "ticked when due": "backing-off close+ask 250",
    nothing: [
      "start",
      "frame",
      "pong",
      "caught up",
      "pressed",
      "wake",
      "slept",
      "online",
      "offline",
      "told nothing",
      "ticked early",
    ],
  },
  "catching-up": {
    ...OPEN_ENDS,
    "caught up": "live · 24800",
    wake: "catching-up ping 1000",
    slept: "suspect ping 3000",
    online: "catching-up ping 1000",
    offline: "suspect ping 1000",
    // What never comes in does not keep the talk from going on.
    "ticked when due": "live · 15000",
    nothing: ["pressed", "start", "established", "frame", "pong", ...VERDICTS, "ticked early"],
  },
  live: {
    ...OPEN_ENDS,
    wake: "live ping 1000",
    slept: "suspect ping 3000",
    online: "live ping 1000",
    offline: "suspect ping 1000",
    "ticked when due": "live ping 5000",
    nothing: ["pressed", "start", "established", "frame", "pong", "caught up", ...VERDICTS, "ticked early"],
  },
  suspect: {
    ...OPEN_ENDS,
    pong: "live · 24800",
    frame: "live · 10000",
    wake: "suspect ping same",
    slept: "suspect ping 3000",
    online: "suspect ping same",
    offline: "suspect ping 1000",
    "ticked when due": "backing-off close 250",
    nothing: ["pressed", "start", "established", "caught up", ...VERDICTS, "ticked early"],
  },
  "backing-off": {
    ...WAITING,
    "told reachable": "backing-off · same",
    offline: "offline · same",
    nothing: [...SETTLED, "pressed", "told nothing", "ticked early"],
  },
  offline: {
    ...WAITING,
    "told reachable": "offline · same",
    nothing: [...SETTLED, "pressed", "offline", "told nothing", "ticked early"],
  },
  // Only when its tab is shown or pressed.
  replaced: {
    ...OTHER,
    wake: "connecting open 10000",
    pressed: "connecting open 10000",
    nothing: [...SETTLED, "slept", "online", "offline", ...VERDICTS, "ticked early"],
  },
  "signed-out": {
    nothing: [
      ...SETTLED,
      "other account",
      "pressed",
      "wake",
      "slept",
      "online",
      "offline",
      ...VERDICTS,
      "ticked early",
    ],
  },
  "other-account": {
    nothing: [
      ...SETTLED,
      "other account",
      "pressed",
      "wake",
      "slept",
      "online",
      "offline",
      ...VERDICTS,
      "ticked early",
    ],
  },
  stopped: {
    nothing: [
      ...SETTLED,
      "other account",
      "pressed",
      "wake",
      "slept",
      "online",
      "offline",
      ...VERDICTS,
      "ticked early",
    ],
  },
};
/** Where no tick is ever due. */
const TIMELESS = new Set(["idle", "replaced", "signed-out", "stopped", "other-account"]);

function reached(state) {
  const connection = new Connection({ now: T0, random: () => 0.5 });
  for (const event of REACHED[state]) connection.on(event, T0);
  assert.equal(connection.name, state);
  return connection;
}

/** Everything that a move could leave behind. */
const memory = (connection) => JSON.stringify({ ...connection, now: 0 });

for (const [state, { nothing, ...moves }] of Object.entries(TABLE)) {
  test(`${state}: every event has its cell`, () => {
    const due = Object.keys(EVENTS).filter((event) => event !== "ticked when due" || !TIMELESS.has(state));
    assert.deepEqual([...nothing, ...Object.keys(moves)].sort(), due.sort());
    assert.equal(reached(state).wakeAt === null, TIMELESS.has(state));
  });
  for (const [event, expected] of Object.entries(moves)) {
    test(`${state}, ${event}: ${expected}`, () => {
      const connection = reached(state);
      const { wakeAt } = connection;
      const now = event === "ticked when due" ? wakeAt : T0 + AFTER_MS;
      const effects = connection.on(EVENTS[event], now);
      const wakes =
        connection.wakeAt === null ? "never" : connection.wakeAt === wakeAt ? "same" : connection.wakeAt - now;
      assert.equal(`${connection.name} ${effects.join("+") || "·"} ${wakes}`, expected);
    });
  }
  for (const event of nothing) {
    test(`${state}, ${event}: nothing happens`, () => {
      const connection = reached(state);
      const before = memory(connection);
      assert.deepEqual(connection.on(EVENTS[event], T0 + AFTER_MS), []);
      // What the device says about its network is remembered wherever the line is waited for.
      const noted =
        event === "offline" && state === "connecting"
          ? before.replace('"deviceOffline":false', '"deviceOffline":true')
          : before;
      assert.equal(memory(connection), noted);
    });
  }
}

// --- Longer ways through the table ---

/** Feeds [event, at] pairs; returns the names and effects on the way. */
function walk(connection, ...steps) {
  return steps.map(([event, at]) => {
    const effects = connection.on(EVENTS[event] ?? { type: event }, T0 + at);
    return [connection.name, ...effects].join(" ");
  });
}

test("a connection that died silently is suspect after 30 seconds and given up after 35", () => {
  const steps = [
    ["tick", 25_000],
    ["tick", 29_999],
    ["tick", 30_000],
    ["tick", 34_999],
    ["tick", 35_000],
  ];
  assert.deepEqual(walk(reached("live"), ...steps), ["live ping", "live", "suspect", "suspect", "backing-off close"]);
});

test("a connection that works one way only is given up after 45 seconds, however much it receives", () => {
  const connection = reached("live");
  walk(connection, ["tick", 25_000]);
  for (let at = 26_000; at < 45_000; at += 1_000)
    assert.deepEqual(walk(connection, ["frame", at], ["tick", at]), ["live", "live"], at);
  assert.deepEqual(walk(connection, ["frame", 44_999], ["tick", 45_000]), ["live", "backing-off close"]);
});

test("a pong that waited behind much else is in time", () => {
  const steps = [
    ["tick", 25_000],
    ["frame", 34_000],
    ["tick", 35_000],
    ["frame", 43_000],
    ["pong", 44_000],
    ["tick", 45_000],
  ];
  assert.deepEqual(walk(reached("live"), ...steps), ["live ping", "live", "live", "live", "live", "live"]);
});

test("a shorter heartbeat notices sooner", () => {
  const connection = reached("connecting");
  connection.on({ type: "established", heartbeat_ms: 2_000 }, T0);
  const steps = [
    ["caught up", 0],
    ["tick", 2_000],
    ["tick", 3_000],
    ["tick", 4_000],
  ];
  assert.deepEqual(walk(connection, ...steps), ["live", "live ping", "suspect", "backing-off close"]);
});

test("after a sleep a dead connection is suspect at once and given up within five seconds", () => {
  assert.deepEqual(walk(reached("live"), ["slept", 600_000], ["tick", 602_999], ["tick", 603_000]), [
    "suspect ping",
    "suspect",
    "backing-off close",
  ]);
});

test("a pong that arrived during a freeze saves the connection, although its deadline has passed", () => {
  assert.deepEqual(walk(reached("live"), ["tick", 25_000], ["slept", 85_000], ["tick", 85_000], ["pong", 85_001]), [
    "live ping",
    "suspect ping",
    "suspect",
    "live",
  ]);
});

test("only shown, not slept: asked first, doubted after a second, given up after four", () => {
  assert.deepEqual(walk(reached("live"), ["wake", 0], ["tick", 1_000], ["tick", 3_999], ["tick", 4_000]), [
    "live ping",
    "suspect",
    "suspect",
    "backing-off close",
  ]);
});

test("a second question does not put off the answer to the first", () => {
  assert.deepEqual(
    walk(reached("live"), ["wake", 0], ["wake", 900], ["tick", 1_000], ["wake", 3_900], ["tick", 4_000]),
    ["live ping", "live ping", "suspect", "suspect ping", "backing-off close"],
  );
});

test("a connection that was catching up when it became suspect goes on catching up", () => {
  const connection = reached("catching-up");
  assert.deepEqual(walk(connection, ["slept", 100], ["pong", 200], ["caught up", 300]), [
    "suspect ping",
    "catching-up",
    "live",
  ]);
  const other = reached("catching-up");
  assert.deepEqual(walk(other, ["slept", 100], ["caught up", 200], ["pong", 300]), ["suspect ping", "suspect", "live"]);
});

test("a try that hangs is begun again by a press or by the network, one that has just begun is not", () => {
  for (const event of ["wake", "online"]) {
    assert.deepEqual(walk(reached("connecting"), [event, 2_999]), ["connecting"]);
    assert.deepEqual(walk(reached("connecting"), [event, 3_000]), ["connecting open"]);
  }
});

test("a greeting whose time ran out during a sleep has three more seconds", () => {
  assert.deepEqual(walk(reached("connecting"), ["slept", 600_000], ["tick", 600_000], ["tick", 603_000]), [
    "connecting",
    "connecting",
    "backing-off close ask",
  ]);
});

test("nothing leads past the moment that the server named, not even a press", () => {
  const connection = reached("live");
  connection.on(bye(4012), T0);
  assert.deepEqual(
    walk(connection, ["wake", 100], ["slept", 200], ["online", 4_999], ["tick", 4_999], ["tick", 5_000]),
    ["backing-off", "backing-off", "backing-off", "backing-off", "connecting open"],
  );
});

// --- What is said of it ---

test("caught up and open: the connection is up, suspect or not", () => {
  const up = Object.keys(REACHED).filter((state) => reached(state).isUp);
  assert.deepEqual(up, ["live", "suspect"]);
});

test("the notice: quiet for three seconds, then connecting, offline after fifteen; or after one by the device", () => {
  const lost = { name: "backing-off", lostAt: 0, deviceOffline: false };
  assert.deepEqual(
    [0, 2_999, 3_000, 14_999, 15_000].map((now) => connectionNotice(lost, now).notice),
    ["quiet", "quiet", "connecting", "connecting", "offline"],
  );
  assert.deepEqual(
    [999, 1_000].map((now) => connectionNotice({ ...lost, deviceOffline: true }, now).notice),
    ["quiet", "offline"],
  );
  assert.equal(connectionNotice({ ...lost, name: "catching-up" }, 16_000).notice, "offline", "only live is back");
  assert.equal(connectionNotice({ ...lost, name: "live" }, 16_000).notice, "quiet");
});

test("the notice counts from the time of suspicion, and not again when the connection is given up", () => {
  const connection = reached("live");
  walk(connection, ["tick", 25_000], ["tick", 30_000]);
  assert.deepEqual(
    [32_999, 33_000].map((at) => connectionNotice(connection, T0 + at).notice),
    ["quiet", "connecting"],
  );
  walk(connection, ["tick", 35_000], ["tick", 36_000]);
  assert.deepEqual([connection.name, connectionNotice(connection, T0 + 45_000).notice], ["connecting", "offline"]);
});

test("a socket that is refused for no reason leaves HTTP to send by, until one opens or HTTP is gone, too", () => {
  const connection = new Connection({ now: T0 });
  const is = (...events) => (events.forEach((event) => connection.on(event, T0)), connection.isReachable);
  assert.equal(is(EVENTS.start, EVENTS.lost), false, "no request has been made yet");
  assert.equal(is(verdict("reachable")), true);
  assert.equal(is(EVENTS.wake), true, "not given up with each try");
  assert.equal(is(EVENTS.lost, verdict("unknown")), false);
  assert.equal(is(verdict("reachable"), EVENTS.wake, GREETING), false);
  assert.equal(is(EVENTS.lost, EVENTS.wake, EVENTS.lost, verdict("reachable"), verdict("signed-out")), false);
  assert.equal(connectionNotice({ name: "backing-off", lostAt: 0, isReachable: true }, 14_999).notice, "connecting");
  assert.equal(connectionNotice({ name: "backing-off", lostAt: 0, isReachable: true }, 15_000).notice, "polling");
  assert.equal(
    connectionNotice({ name: "without-sockets", lostAt: 0, isReachable: true }, 0).notice,
    "polling",
    "a browser that has none",
  );
});
