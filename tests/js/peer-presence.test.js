import assert from "node:assert/strict";
import test from "node:test";
import { PeersPresence } from "../../static/js/state/peer-presence.js";
import { FakeClock } from "./helpers/clock.js";

const BOB = { type: "presence", user: "u-bob", online: true, ttl_ms: 600_000 };

function page() {
  const clock = new FakeClock();
  const sent = [];
  const changed = [];
  const line = { name: "live", establishedAt: clock.now(), lostAt: clock.now(), deviceOffline: false };
  const peers = new PeersPresence({
    clock,
    send: ({ type, room }) => Boolean(sent.push(`${type.slice(5)} ${room}`)),
    onChange: () => changed.push("changed"),
  });
  peers.connected(line);
  const becomes = (state) => peers.connected(Object.assign(line, state));
  const drops = () => becomes({ name: "backing-off", establishedAt: null, lostAt: clock.now() });
  const returns = () => becomes({ name: "live", establishedAt: clock.now() });
  return { clock, sent, changed, peers, becomes, drops, returns };
}

test("a chat that moves from the screen to the list, and back, is requested once and keeps its dot", async () => {
  const { clock, sent, peers } = page();
  peers.want("r", "u-bob", "row");
  peers.handle(BOB);
  for (const next of ["pane", "row", "pane", "row"]) {
    peers.release("r", next === "pane" ? "row" : "pane");
    assert.equal(peers.get("r").online, true);
    // ListSync are looked at a second after the list has come to rest.
    await clock.advance(1_000);
    peers.want("r", "u-bob", next);
    assert.equal(peers.get("r").online, true);
  }
  assert.deepEqual(sent, ["open r"]);
});

test("what no part needs any more is closed, a moment later", async () => {
  const { clock, sent, peers } = page();
  peers.want("r", "u-bob", "row");
  peers.want("r", "u-bob", "pane");
  peers.handle(BOB);
  peers.release("r", "row");
  await clock.advance(60_000);
  assert.deepEqual(sent, ["open r"], "the pane still wants it");
  peers.release("r", "pane");
  await clock.advance(3_000);
  assert.deepEqual([sent, peers.get("r").online], [["open r", "close r"], false]);
});

test("never more than the server takes: with fifty open nothing lingers", () => {
  const { sent, peers } = page();
  for (let n = 0; n < 50; n += 1) peers.want(`r${n}`, `u${n}`, "row");
  peers.release("r7", "row");
  assert.equal(sent.at(-1), "close r7");
});

test("without a connection no peer is online or was last seen, as soon as the notice appears", async () => {
  const { clock, peers, drops, returns, changed } = page();
  peers.want("r", "u-bob", "pane");
  peers.want("s", "u-eve", "row");
  peers.handle(BOB);
  peers.handle({ type: "presence", user: "u-eve", online: false, ttl_ms: 0, last_seen: "2026-11-21T11:00:00.000Z" });
  drops();
  await clock.advance(2_999);
  assert.deepEqual(
    [peers.get("r").online, peers.get("s").lastSeen !== null],
    [true, true],
    "a short drop makes nothing flicker",
  );
  changed.length = 0;
  await clock.advance(1);
  assert.deepEqual(
    [peers.get("r"), peers.get("s")],
    [
      { online: false, typing: false, lastSeen: null },
      { online: false, typing: false, lastSeen: null },
    ],
  );
  assert.ok(changed.length > 0);
  await clock.advance(60_000);
  returns();
  assert.equal(peers.get("r").online, false, "what was known before is not known any more");
  peers.handle(BOB);
  assert.equal(peers.get("r").online, true);
});

test("an offline device shows no presence after a second; an ended session at once", async () => {
  const offline = page();
  offline.peers.want("r", "u-bob", "pane");
  offline.peers.handle(BOB);
  offline.becomes({ name: "offline", establishedAt: null, lostAt: offline.clock.now(), deviceOffline: true });
  await offline.clock.advance(1_000);
  assert.equal(offline.peers.get("r").online, false);
  for (const name of ["signed-out", "other-account", "stopped", "replaced"]) {
    const { peers, becomes } = page();
    peers.want("r", "u-bob", "pane");
    peers.handle(BOB);
    becomes({ name, establishedAt: null });
    assert.equal(peers.get("r").online, false, name);
  }
});

test("a suspect connection shows no presence after three seconds, too", async () => {
  const { clock, peers, becomes } = page();
  peers.want("r", "u-bob", "pane");
  peers.handle(BOB);
  becomes({ name: "suspect", lostAt: clock.now() });
  await clock.advance(3_000);
  assert.equal(peers.get("r").online, false);
});

test("everything in view is requested again on a new connection, and what was added meanwhile", () => {
  const { sent, peers, drops, returns } = page();
  peers.want("r", "u-bob", "row");
  drops();
  peers.want("s", "u-eve", "pane");
  returns();
  assert.deepEqual(sent, ["open r", "open r", "open s"]);
});

test("typing ends with the message of that peer, and belongs to one chat only", async () => {
  const { clock, peers, changed } = page();
  peers.want("r", "u-bob", "row");
  peers.want("s", "u-bob", "row");
  peers.handle({ type: "typing", room: "r", user: "u-bob", on: true, ttl_ms: 6_000 });
  peers.handle({ type: "typing", room: "r", user: "u-me", on: true, ttl_ms: 6_000 });
  assert.deepEqual([peers.get("r").typing, peers.get("s").typing], [true, false]);
  peers.handle({ type: "message.created", room: "r", message: { sender: "u-me" } });
  assert.equal(peers.get("r").typing, true);
  peers.handle({ type: "message.created", room: "r", message: { sender: "u-bob" } });
  assert.equal(peers.get("r").typing, false);
  changed.length = 0;
  await clock.advance(60_000);
  assert.deepEqual(changed, [], "and nothing rings afterwards");
});
