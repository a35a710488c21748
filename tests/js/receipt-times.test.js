import assert from "node:assert/strict";
import test from "node:test";
import { Store } from "../../static/js/net/store.js";
import { ReceiptTimes } from "../../static/js/state/receipt-times.js";
import { FakeClock, fakeStorage } from "./helpers/clock.js";

const ROOM = "dm-open";

function device(storage = fakeStorage()) {
  const clock = new FakeClock();
  const times = new ReceiptTimes({ store: new Store({ storage, user: "u-alice" }), me: "u-alice", now: clock.now });
  const row = { peer_read: 0, peer_delivered: 0 };
  const advance = (news, user = "u-bob") => {
    times.advanced({ room: ROOM, user, ...news }, { ...row });
    if (user === "u-bob") Object.assign(row, { peer_read: news.read, peer_delivered: news.delivered });
  };
  return { clock, storage, times, advance, at: (kind, seq) => times.at(ROOM, kind, seq) };
}

test("each message has the moment at which its receipt came, over a reload", async () => {
  const { clock, storage, advance, at } = device();
  const start = clock.now();
  advance({ delivered: 3, read: 0 });
  await clock.advance(60_000);
  advance({ delivered: 4, read: 3 });
  assert.deepEqual([at("delivered", 2), at("delivered", 4), at("read", 3)], [start, start + 60_000, start + 60_000]);
  assert.deepEqual([at("read", 4), at("delivered", 5)], [null, null]);
  assert.equal(device(storage).at("read", 3), start + 60_000);
});

test("what this device did not see happen has no time, and neither do its own receipts", () => {
  const { times, advance, at } = device();
  advance({ delivered: 5, read: 5 }, "u-alice");
  times.advanced({ room: ROOM, user: "u-bob", delivered: 5, read: 5 }, null);
  assert.equal(at("read", 5), null);
});

test("the store does not grow", () => {
  const { storage, advance, at } = device();
  for (let seq = 1; seq <= 200; seq += 1) advance({ delivered: seq, read: seq });
  assert.ok(at("read", 200));
  assert.equal(JSON.parse(storage[`entre:u-alice:receipt-times:${ROOM}`]).length, 40);
});
