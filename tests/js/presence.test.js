import assert from "node:assert/strict";
import test from "node:test";
import { dates as datesOf } from "../../static/js/lib/dates.js";
import { translator } from "../../static/js/lib/text.js";
import { PeerPresence, statusLine } from "../../static/js/state/peer-presence.js";
import { OwnTyping, PeerTyping } from "../../static/js/state/typing.js";
import { FakeClock } from "./helpers/clock.js";

// What I tell: [what happens, wait after it in ms] and what was said so far, with the second it was said at.
const OWN = [
  [
    "the first character is told at once, white space is not",
    [
      ["typed", " ", 0],
      ["typed", "a", 0],
    ],
    ["on 0"],
  ],
  [
    "while keys are pressed it is told every three seconds, not more",
    [..."abcdefgh"].map((key) => ["typed", key, 1_000]),
    ["on 0", "on 3", "on 6"],
  ],
  ["five seconds without a key end it", [["typed", "a", 5_000]], ["on 0", "off 5"]],
  [
    "a key just before that does not",
    [
      ["typed", "a", 4_900],
      ["typed", "ab", 4_900],
    ],
    ["on 0", "on 4.9"],
  ],
  ["sent, left or hidden: over at once, and told once", [["typed", "a", 1_000], ["stop"], ["stop"]], ["on 0", "off 1"]],
  [
    "emptied: over",
    [
      ["typed", "a", 1_000],
      ["typed", "", 0],
    ],
    ["on 0", "off 1"],
  ],
  [
    "after the end it begins again at once",
    [["typed", "a", 100], ["stop"], ["typed", "b", 0]],
    ["on 0", "off 0.1", "on 0.1"],
  ],
  ["what was never begun is never ended", [["stop"], ["typed", "", 6_000]], []],
  [
    "refused by the server: silence for a minute",
    [["typed", "a", 0], ["refused"], ["typed", "b", 59_000], ["typed", "c", 1_000], ["typed", "d", 0]],
    ["on 0", "on 60"],
  ],
];

for (const [name, steps, said] of OWN) {
  test(`own typing: ${name}`, async () => {
    const clock = new FakeClock(1_000_000);
    const heard = [];
    const own = new OwnTyping({
      clock,
      send: (on) => heard.push(`${on ? "on" : "off"} ${(clock.now() - 1_000_000) / 1_000}`),
    });
    for (const [what, ...rest] of steps) {
      if (what === "typed") own.typed(rest[0]);
      else own[what]();
      await clock.advance(rest[1] ?? 0);
    }
    assert.deepEqual(heard, said);
  });
}

const ON = { on: true, ttl_ms: 6_000 };
const OFF = { on: false, ttl_ms: 0 };
// What I believe: [at ms, event] and the moments (ms) at which the picture changed.
const PEER = [
  ["ends by itself after six seconds", [[0, ON]], [0, 6_000]],
  [
    "is renewed",
    [
      [0, ON],
      [3_000, ON],
    ],
    [0, 9_000],
  ],
  [
    "ends when told",
    [
      [0, ON],
      [2_000, OFF],
    ],
    [0, 2_000],
  ],
  [
    "stands for 800 ms at least",
    [
      [0, ON],
      [100, OFF],
    ],
    [0, 800],
  ],
  [
    "goes on when it begins again within them",
    [
      [0, ON],
      [100, OFF],
      [200, ON],
    ],
    [0, 6_200],
  ],
  [
    "ends at once with the message",
    [
      [0, ON],
      [100, null],
    ],
    [0, 100],
  ],
  [
    "is not begun by an end",
    [
      [0, OFF],
      [10, null],
    ],
    [],
  ],
];

for (const [name, events, changes] of PEER) {
  test(`the peer's typing ${name}`, async () => {
    const clock = new FakeClock(0);
    const changed = [];
    const typing = new PeerTyping({ clock, onChange: () => changed.push(clock.now()) });
    for (const [at, event] of events) {
      await clock.advance(at - clock.now());
      if (event) typing.receive(event);
      else typing.ended();
    }
    await clock.advance(20_000);
    assert.deepEqual(changed, changes);
    assert.equal(typing.on, false);
  });
}

test("a peer stays online while the lease is renewed, and not longer", async () => {
  const clock = new FakeClock();
  const presence = new PeerPresence({ clock });
  presence.receive({ online: true, ttl_ms: 45_000, last_seen: "2026-11-21T12:00:00.000Z" });
  await clock.advance(30_000);
  presence.receive({ online: true, ttl_ms: 45_000, last_seen: "2026-11-21T12:00:00.000Z" });
  await clock.advance(44_999);
  assert.equal(presence.online, true);
  await clock.advance(1);
  assert.deepEqual([presence.online, presence.lastSeen], [false, "2026-11-21T12:00:00.000Z"]);
  presence.receive({ online: false, ttl_ms: 0 });
  assert.equal(presence.lastSeen, null, "hidden: nothing is left of it");
});

const NOW = Date.parse("2026-11-21T12:00:00Z");
const ago = (ms) => new Date(NOW - ms).toISOString();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const STATUS = [
  [{ typing: true, online: true }, "typing…", "typing"],
  [{ online: true, lastSeen: ago(0) }, "online", "online"],
  [{ lastSeen: ago(-5_000) }, "last seen just now", null],
  [{ lastSeen: ago(59_999) }, "last seen just now", null],
  [{ lastSeen: ago(MINUTE) }, "last seen 1 minute ago", null],
  [{ lastSeen: ago(59 * MINUTE) }, "last seen 59 minutes ago", null],
  [{ lastSeen: ago(HOUR) }, "last seen today at 11:00", null],
  [{ lastSeen: ago(13 * HOUR) }, "last seen yesterday at 23:00", null],
  [{ lastSeen: ago(3 * 24 * HOUR) }, "last seen 18 November", null],
  [{ lastSeen: ago(365 * 24 * HOUR) }, "last seen 21 November 2025", null],
];

for (const [{ typing = false, online = false, lastSeen = null }, text, state] of STATUS) {
  test(`under the name stands "${text}"`, () => {
    const t = translator();
    const dates = datesOf({ language: "en-GB", t, zone: "UTC", now: () => NOW });
    assert.deepEqual(statusLine({ presence: { typing, online, lastSeen }, t, dates }), { state, text });
  });
}

test("without any information there is no status line", () => {
  assert.equal(statusLine({ presence: { typing: false, online: false, lastSeen: null } }), null);
});
