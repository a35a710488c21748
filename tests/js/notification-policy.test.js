import assert from "node:assert/strict";
import test from "node:test";
import { Store } from "../../static/js/net/store.js";
import { isCurrent, NotificationPolicy } from "../../static/js/state/notification-policy.js";
import { FakeClock, fakeStorage } from "./helpers/clock.js";

const DAY = 24 * 3_600_000;

function set({
  isLeader = true,
  watched = null,
  isActive = false,
  isOn = true,
  hasSound = true,
  store = new Store({ storage: fakeStorage(), user: "alice" }),
  clock = new FakeClock(),
} = {}) {
  const heard = [];
  const alerts = new NotificationPolicy({
    clock,
    store,
    isLeader: () => isLeader,
    isWatched: (room) => room === watched,
    isActive: () => isActive,
    broadcast: (room) => heard.push(`told ${room}`),
    notify: (room) => heard.push(`shown ${room}`),
    sound: () => heard.push("sound"),
  });
  if (isOn !== null) Object.assign(alerts, { isOn, hasSound });
  return { alerts, clock, heard, store };
}

// [what stands around, what the message is, what happens]
const RULES = [
  ["away from the page it is shown, with its sound", {}, {}, ["shown dm-a", "sound"]],
  ["a user in another chat hears it", { isActive: true }, {}, ["sound"]],
  [
    "the chat that a user is looking at is silent, and the other tabs learn it",
    { watched: "dm-a", isActive: true },
    {},
    ["told dm-a"],
  ],
  ["a tab that does not lead is silent", { isLeader: false }, {}, []],
  ["a muted chat is silent", {}, { isMuted: true }, []],
  ["a stranger's request is silent", {}, { isRequest: true }, []],
  ["without permission nothing is shown", { isOn: false }, {}, ["sound"]],
  ["the sound is off until it is switched on", { hasSound: false }, {}, ["shown dm-a"]],
];

for (const [name, around, message, expected] of RULES) {
  test(`alerts: ${name}`, async () => {
    const { alerts, clock, heard } = set(around);
    alerts.arrived({ room: "dm-a", message: {}, ...message });
    await clock.advance(1_000);
    assert.deepEqual(heard, expected);
  });
}

test("notifications: everything is off by default", () => {
  const { alerts } = set({ isOn: null, hasSound: null });
  assert.deepEqual([alerts.isOn, alerts.hasSound], [false, false]);
});

test("notifications: another window that shows the chat silences this one, whichever message comes first", async () => {
  for (const delay of [-100, 100]) {
    const { alerts, clock, heard } = set();
    if (delay < 0) alerts.visibleElsewhere("dm-a");
    alerts.arrived({ room: "dm-a", message: {} });
    await clock.advance(100);
    if (delay > 0) alerts.visibleElsewhere("dm-a");
    await clock.advance(1_000);
    assert.deepEqual(heard, []);
    alerts.arrived({ room: "dm-b", message: {} });
    await clock.advance(1_000);
    assert.deepEqual(heard, ["shown dm-b", "sound"]);
  }
});

test("notifications: at most one sound in five seconds, and every notification", async () => {
  const { alerts, clock, heard } = set();
  for (let n = 0; n < 4; n += 1) {
    alerts.arrived({ room: "dm-a", message: {} });
    await clock.advance(2_000);
  }
  assert.deepEqual(heard.filter((what) => what === "sound").length, 2);
  assert.deepEqual(heard.filter((what) => what !== "sound").length, 4);
});

test("notifications: the card waits for a message, for the first minute, and thirty days after Not now", async () => {
  const { alerts, clock, store } = set();
  const may = (of = alerts, extra = {}) => of.mayAsk({ permission: "default", hasReceived: true, ...extra });
  assert.ok(!may());
  await clock.advance(60_000);
  assert.ok(may());
  assert.ok(!may(alerts, { hasReceived: false }));
  assert.ok(!may(alerts, { permission: "denied" }));
  assert.ok(!may(alerts, { permission: "granted" }));
  // The next page of the same person has not been here for the first time.
  assert.ok(may(set({ store, clock }).alerts));
  alerts.notNow();
  await clock.advance(29 * DAY);
  assert.ok(!may());
  await clock.advance(DAY);
  assert.ok(may());
});

test("a notification goes when its chat is read, or its message deleted", () => {
  const row = { unread: 1, last_message: { seq: 3, body: "hello" } };
  assert.equal(isCurrent(row, 3), true);
  assert.equal(isCurrent({ ...row, unread: 0 }, 3), false);
  assert.equal(isCurrent({ ...row, last_message: { seq: 3, deleted_at: "2026-01-01T00:00:00.000Z" } }, 3), false);
  assert.equal(isCurrent({ ...row, last_message: { seq: 3, deleted_for_me: true } }, 3), false);
  assert.equal(isCurrent({ ...row, last_message: { seq: 4, deleted_at: "2026-01-01T00:00:00.000Z" } }, 3), true);
  assert.equal(isCurrent(null, 3), false);
});
