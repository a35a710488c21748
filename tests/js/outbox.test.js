import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { unsentOnDevice, Store, wipeOthers } from "../../static/js/net/store.js";
import { Tabs } from "../../static/js/net/tabs.js";
import { Outbox } from "../../static/js/state/outbox.js";
import { FakeClock, fakeLocks, fakeStorage, keysOf, settle } from "./helpers/clock.js";

/** One browser tab: what it sent over socket and HTTP, and a server that answers only when told. */
function tab({
  clock = new FakeClock(),
  storage = fakeStorage(),
  locks = null,
  names = "abcdefghij",
  takes = () => true,
  isWiped,
} = {}) {
  const sent = [];
  const posts = [];
  let next = 0;
  const outbox = new Outbox({
    clock,
    store: new Store({ storage, user: "u-alice" }),
    newId: () => names[next++],
    send: (command) => takes() && Boolean(sent.push(command)),
    post: (entry) => new Promise((answer) => posts.push({ id: entry.id, answer })),
    random: () => 0.5,
    ...(isWiped ? { isWiped } : {}),
    ...(locks ? { exclusive: (run) => locks(run) } : {}),
  });
  return {
    outbox,
    clock,
    storage,
    sent,
    posts,
    ids: () => sent.map((command) => command.id),
    states: (room = "r") => outbox.entries(room).map((entry) => entry.state),
  };
}

const write = (outbox, ...bodies) => bodies.map((body) => outbox.addMessage({ room: "r", body }));

test("a message typed offline waits, and is sent when the connection opens", () => {
  const { outbox, states, ids } = tab();
  write(outbox, "hello");
  assert.deepEqual([states(), ids()], [["pending"], []]);
  outbox.setLive(true);
  assert.deepEqual([states(), ids()], [["sent"], ["a"]]);
});

test("one message of a room is on its way at a time, in the order typed; another room does not wait", () => {
  const { outbox, ids } = tab();
  outbox.setLive(true);
  write(outbox, "one", "two", "three");
  outbox.addMessage({ room: "other", body: "elsewhere" });
  assert.deepEqual(ids(), ["a", "d"]);
  outbox.accepted("a");
  assert.deepEqual(ids(), ["a", "d", "b"]);
});

test("a connection that breaks before the answer sends the same id again", () => {
  const { outbox, ids, states } = tab();
  outbox.setLive(true);
  write(outbox, "hello");
  outbox.setLive(false);
  assert.deepEqual(states(), ["pending"]);
  outbox.setLive(true);
  assert.deepEqual(ids(), ["a", "a"]);
});

test("a message at which two connections ended goes over HTTP, the next one over the socket again", async () => {
  const { outbox, ids, posts, states } = tab();
  outbox.setLive(true);
  write(outbox, "hello", "and on");
  for (let lost = 0; lost < 2; lost += 1) {
    outbox.setLive(false);
    outbox.setLive(true);
  }
  assert.deepEqual([ids(), posts.map(({ id }) => id)], [["a", "a"], ["a"]]);
  posts[0].answer({ accepted: true });
  await settle();
  assert.deepEqual([ids(), states()], [["a", "a", "b"], ["accepted", "sent"]]);
});

test("an accepted message stays in sight until the timeline shows it, and is never sent again", () => {
  const { outbox, ids, states } = tab();
  outbox.setLive(true);
  write(outbox, "hello");
  outbox.accepted("a");
  assert.deepEqual(states(), ["accepted"]);
  outbox.setLive(false);
  outbox.setLive(true);
  outbox.settle("a");
  assert.deepEqual([states(), ids()], [[], ["a"]]);
});

test("a refusal for good fails at once with its reason, and the next message goes on", () => {
  const { outbox, ids } = tab();
  outbox.setLive(true);
  write(outbox, "one", "two");
  outbox.refused({ id: "a", code: "cannot_deliver", retryable: false });
  assert.deepEqual(
    outbox.entries("r").map(({ state, reason }) => [state, reason]),
    [
      ["failed", "cannot_deliver"],
      ["sent", undefined],
    ],
  );
  assert.deepEqual(ids(), ["a", "b"]);
});

test("a temporary refusal waits as long as the server says, and nothing overtakes it", async () => {
  const { outbox, clock, ids } = tab();
  outbox.setLive(true);
  write(outbox, "one", "two");
  outbox.refused({ id: "a", code: "rate_limited", retryable: true, retry_after_ms: 4_000 });
  await clock.advance(3_999);
  assert.deepEqual(ids(), ["a"]);
  await clock.advance(1);
  assert.deepEqual(ids(), ["a", "a"]);
});

test("a server that fails on this one message five times is not asked for ever", async () => {
  const { outbox, clock, states, ids } = tab();
  outbox.setLive(true);
  write(outbox, "poison");
  for (let round = 0; round < 5; round += 1) {
    outbox.refused({ id: "a", code: "internal", retryable: true, retry_after_ms: 100 });
    await clock.advance(5_000);
  }
  assert.deepEqual(states(), ["failed"]);
  assert.equal(ids().length, 5);
});

test("ten seconds without an answer on an open socket: once more over HTTP, with the same id", async () => {
  const { outbox, clock, posts, states } = tab();
  outbox.setLive(true);
  write(outbox, "hello");
  await clock.advance(9_999);
  assert.equal(posts.length, 0);
  await clock.advance(1);
  assert.deepEqual(
    posts.map((post) => post.id),
    ["a"],
  );
  posts[0].answer({ accepted: true });
  await settle();
  assert.deepEqual(states(), ["accepted"]);
});

test("during a request over HTTP nothing else sends the message again", async () => {
  const { outbox, clock, posts, ids } = tab();
  outbox.setLive(true);
  write(outbox, "one");
  await clock.advance(10_000);
  write(outbox, "two");
  outbox.reload();
  assert.deepEqual([posts.length, ids()], [1, ["a"]]);
});

test("without an answer from socket and HTTP it is retried after 1, 3 and 9 seconds, then fails", async () => {
  const { outbox, clock, posts } = tab();
  outbox.setLive(true);
  write(outbox, "hello");
  await clock.advance(10_000);
  for (const wait of [1_000, 3_000, 9_000]) {
    const before = posts.length;
    posts.at(-1).answer({});
    await clock.advance(wait - 1);
    assert.equal(posts.length, before);
    await clock.advance(1);
    assert.equal(posts.length, before + 1);
  }
  posts.at(-1).answer({});
  await settle();
  assert.deepEqual(
    outbox.entries("r").map(({ state, reason }) => [state, reason]),
    [["failed", "no_answer"]],
  );
  assert.ok(posts.every((post) => post.id === "a"));
});

test("no answer during a disconnect is no failure, however long", async () => {
  const { outbox, clock, posts, states } = tab();
  outbox.setLive(true);
  write(outbox, "hello");
  outbox.setLive(false);
  await clock.advance(3_600_000);
  assert.deepEqual([states(), posts.length], [["pending"], 0]);
});

test("an answer over HTTP that comes after a reconnect does no harm", async () => {
  const { outbox, clock, posts, states, ids } = tab();
  outbox.setLive(true);
  write(outbox, "hello");
  await clock.advance(10_000);
  outbox.setLive(false);
  outbox.setLive(true);
  posts[0].answer({});
  await settle();
  assert.deepEqual([states(), ids()], [["sent"], ["a", "a"]]);
});

test("a reload keeps what was not accepted, with the same ids, and forgets what was", () => {
  const before = tab();
  before.outbox.setLive(true);
  write(before.outbox, "one", "two", "three");
  before.outbox.accepted("a");
  before.outbox.refused({ id: "b", code: "too_large" });
  const after = tab({ storage: before.storage, names: "xyz" });
  assert.deepEqual(
    after.outbox.entries("r").map(({ id, state, command }) => [id, state, command.body]),
    [
      ["b", "failed", "two"],
      ["c", "pending", "three"],
    ],
  );
  after.outbox.setLive(true);
  assert.deepEqual(after.ids(), ["c"]);
});

test("pressing Try again sends the same id; Delete takes it away and can be undone", () => {
  const { outbox, ids, states, storage } = tab();
  outbox.setLive(true);
  write(outbox, "one");
  outbox.refused({ id: "a", code: "too_large" });
  outbox.retry("a");
  assert.deepEqual(ids(), ["a", "a"]);
  assert.equal(outbox.discard("a"), null, "what is on its way cannot be taken back");
  outbox.refused({ id: "a", code: "too_large" });
  const taken = outbox.discard("a");
  assert.deepEqual([states(), keysOf(storage)], [[], []]);
  outbox.restore(taken);
  assert.deepEqual(states(), ["failed"]);
});

test("what waited for a day is not sent unasked", async () => {
  const { outbox, clock, ids } = tab();
  write(outbox, "yesterday");
  await clock.advance(24 * 3_600_000);
  outbox.setLive(true);
  assert.deepEqual([outbox.get("a").state, outbox.get("a").reason, ids()], ["failed", "waited", []]);
  outbox.retry("a");
  assert.deepEqual(ids(), ["a"]);
});

test("being signed out keeps the message for the next sign-in", () => {
  const { outbox, states } = tab();
  outbox.setLive(true);
  write(outbox, "hello");
  outbox.refused({ id: "a", code: "unauthenticated" });
  assert.deepEqual(states(), ["pending"]);
  outbox.setLive(false);
  outbox.setLive(true);
  assert.deepEqual(states(), ["sent"]);
});

/** What becomes of a message that meets each code of the contract, and of the one behind it. */
const WAITS = { then: "pending", sentAgain: true, next: "pending" };
const FAILS = { then: "failed", sentAgain: false, next: "sent" };
const CODES = {
  bad_frame: FAILS,
  unknown_type: FAILS,
  invalid_text: FAILS,
  too_large: FAILS,
  not_found: FAILS,
  cannot_deliver: FAILS,
  conflict: FAILS,
  gone: FAILS,
  edit_window_closed: FAILS,
  forbidden: FAILS,
  rate_limited: WAITS,
  busy: WAITS,
  storage_full: WAITS,
  unknown_result: WAITS,
  internal: WAITS,
  unauthenticated: { then: "pending", sentAgain: false, next: "pending" },
  "a code of a newer server, for now": { ...WAITS, retryable: true },
  "a code of a newer server, for good": FAILS,
};

for (const [code, { then, sentAgain, next, retryable = false }] of Object.entries(CODES)) {
  test(`refused with ${code}: ${then}, ${sentAgain ? "sent again later" : "not sent again"}`, async () => {
    const { outbox, clock, ids, states, storage } = tab();
    outbox.setLive(true);
    write(outbox, "one", "two");
    outbox.refused({ id: "a", code, retryable, retry_after_ms: 4_000 });
    assert.deepEqual(states(), [then, next]);
    assert.deepEqual(
      outbox.entries("r").map(({ command }) => command.body),
      ["one", "two"],
      "no text is lost",
    );
    assert.ok("entre:u-alice:outbox:a" in storage, "nor forgotten by the device");
    await clock.advance(4_000);
    assert.equal(ids().filter((id) => id === "a").length, sentAgain ? 2 : 1);
  });
}

test("the codes are those of the contract", () => {
  const contract = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  for (const code of Object.keys(CODES).filter((code) => !code.includes(" ")))
    assert.ok(contract.includes(`\`${code}\``), code);
});

test("a limit is waited for however often it is met; an internal error is retried five times", async () => {
  for (const [code, times, end] of [
    ["busy", 40, "sent"],
    ["internal", 5, "failed"],
  ]) {
    const { outbox, clock, states, ids } = tab();
    outbox.setLive(true);
    write(outbox, "hello");
    for (let round = 0; round < 40; round += 1) {
      outbox.refused({ id: "a", code, retryable: true });
      await clock.advance(30_000);
    }
    assert.deepEqual([states(), ids().length], [[end], end === "sent" ? times + 1 : times], code);
  }
});

test("an id that belongs to other words: trying again takes a new one, in the same place", () => {
  const { outbox, ids, storage } = tab();
  outbox.setLive(true);
  write(outbox, "one", "two");
  outbox.refused({ id: "a", code: "conflict" });
  outbox.retry("a");
  outbox.accepted("b");
  assert.deepEqual(ids(), ["a", "b", "c"]);
  assert.deepEqual(
    outbox.entries("r").map(({ id, command }) => [id, command.body]),
    [
      ["c", "one"],
      ["b", "two"],
    ],
  );
  assert.deepEqual(keysOf(storage), ["entre:u-alice:outbox:c"]);
});

test("Try all again sends all that failed in this chat, in the order typed, and leaves other chats alone", () => {
  const { outbox, ids, states } = tab();
  outbox.setLive(true);
  write(outbox, "one", "two", "three");
  outbox.addMessage({ room: "other", body: "elsewhere" });
  for (const id of ["a", "b", "c", "d"]) outbox.refused({ id, code: "forbidden" });
  const before = ids().length;
  outbox.retryAll("r");
  for (const id of ["a", "b", "c"]) outbox.accepted(id);
  assert.deepEqual(ids().slice(before), ["a", "b", "c"]);
  assert.deepEqual(states("other"), ["failed"]);
});

test("Try all again leaves alone what can never be taken", () => {
  const { outbox, ids, states } = tab();
  outbox.setLive(true);
  write(outbox, "one", "two");
  outbox.refused({ id: "a", code: "invalid_text" });
  outbox.refused({ id: "b", code: "forbidden" });
  outbox.retryAll("r");
  assert.deepEqual(ids().slice(2), ["b"]);
  assert.deepEqual(states("r"), ["failed", "sent"]);
});

test("an open socket that takes nothing, because it is suspect: HTTP at once", async () => {
  let takes = false;
  const { outbox, ids, posts, states } = tab({ takes: () => takes });
  outbox.setLive(true);
  write(outbox, "one", "two");
  assert.deepEqual([ids(), posts.map(({ id }) => id)], [[], ["a"]], "one at a time through this door, too");
  takes = true;
  posts[0].answer({ accepted: true });
  await settle();
  assert.deepEqual([states(), ids()], [["accepted", "sent"], ["b"]]);
});

const tabsOf = (clock, locks) =>
  new Tabs({ user: "u-alice", onMessage: () => {}, clock, locks, BroadcastChannel: null, window: null });

test("a tab that is frozen while it sends loses its lock after twenty seconds and then sends nothing", async () => {
  const storage = fakeStorage();
  const clock = new FakeClock();
  const locks = fakeLocks();
  const exclusive = () => {
    const tabs = tabsOf(clock, locks);
    return (run) => tabs.exclusive(run);
  };
  const frozen = tab({ clock, storage, locks: exclusive(), names: "abc" });
  frozen.outbox.setLive(true);
  write(frozen.outbox, "one", "two");
  await settle();
  const other = tab({ clock, storage, locks: exclusive(), names: "xyz" });
  other.outbox.setLive(true);
  await clock.advance(19_999);
  assert.deepEqual([frozen.ids(), other.ids()], [["a"], []]);
  await clock.advance(1);
  assert.deepEqual(other.ids(), ["a"], "with the same id: nothing is stored twice");
  other.outbox.accepted("a");
  other.outbox.accepted("b");
  frozen.outbox.accepted("a");
  await settle();
  assert.deepEqual([frozen.ids(), other.ids()], [["a"], ["a", "b"]]);
});

test("a tab that gets no answer lets another one send, and sends nothing twice itself", async () => {
  const storage = fakeStorage();
  const clock = new FakeClock();
  const held = fakeLocks();
  const lock = (run) => held.request("outbox", {}, run);
  const cutOff = tab({ clock, storage, locks: lock, names: "abc", takes: () => false });
  const other = tab({ clock, storage, locks: lock, names: "xyz" });
  cutOff.outbox.setLive(true);
  write(cutOff.outbox, "hello");
  await settle();
  other.outbox.reload();
  other.outbox.setLive(true);
  await settle();
  assert.deepEqual([cutOff.posts.length, other.ids()], [1, []], "one tries at a time");
  cutOff.posts[0].answer({});
  await settle();
  assert.deepEqual(other.ids(), ["a"]);
  other.outbox.accepted("a");
  other.outbox.settle("a");
  cutOff.outbox.reload();
  await clock.advance(60_000);
  assert.equal(cutOff.posts.length, 1);
});

/** Two tabs of one account in one browser; neither hears of the other but through the storage, when it reads it. */
function pair(left = {}, right = {}) {
  const shared = { clock: new FakeClock(), storage: fakeStorage() };
  const held = fakeLocks();
  const locks = (run) => held.request("outbox", {}, run);
  return [tab({ ...shared, locks, names: "abc", ...left }), tab({ ...shared, locks, names: "xyz", ...right })];
}

const DEAF = { takes: () => false };
const silent = async (tab) => (tab.posts.at(-1).answer({}), settle());

test("a tab that gives up at last never writes back what another one has sent meanwhile", async () => {
  const [cutOff, other] = pair(DEAF);
  cutOff.outbox.setLive(true);
  write(cutOff.outbox, "hello");
  await settle();
  for (const wait of [1_000, 3_000, 9_000]) {
    await silent(cutOff);
    await cutOff.clock.advance(wait);
  }
  assert.equal(cutOff.posts.length, 4, "the last try is on its way");
  other.outbox.reload();
  other.outbox.setLive(true);
  await other.clock.advance(0);
  other.outbox.accepted("a");
  other.outbox.settle("a");
  assert.deepEqual(keysOf(other.storage), []);
  await silent(cutOff);
  assert.deepEqual(
    [cutOff.states(), keysOf(cutOff.storage)],
    [["accepted"], []],
    "it is no failure, and no failure is reported",
  );
  other.outbox.reload();
  assert.deepEqual(other.states(), []);
  await cutOff.clock.advance(10_000);
  assert.deepEqual(cutOff.states(), [], "nor does it stand at the end for ever");
});

test("a tab that slept for a day does not write back what another one has sent long ago", async () => {
  const [asleep, other] = pair();
  write(asleep.outbox, "yesterday");
  other.outbox.reload();
  other.outbox.setLive(true);
  await settle();
  other.outbox.accepted("a");
  other.outbox.settle("a");
  await asleep.clock.sleep(24 * 3_600_000);
  asleep.outbox.setLive(true);
  await settle();
  assert.deepEqual([asleep.states(), asleep.ids(), keysOf(asleep.storage)], [["accepted"], [], []]);
});

test("what another account has wiped is not taken for sent: its text stays before the eyes", async () => {
  let isWiped = false;
  const { outbox, clock, storage, states } = tab({ isWiped: () => isWiped });
  write(outbox, "mine");
  for (const key of Object.keys(storage)) delete storage[key];
  isWiped = true;
  await clock.advance(24 * 3_600_000);
  outbox.setLive(true);
  await clock.advance(60_000);
  assert.deepEqual(states(), ["failed"]);
});

test("handed over between tabs, a chat keeps its order and each message is stored once", async () => {
  const [cutOff, other] = pair(DEAF);
  cutOff.outbox.setLive(true);
  write(cutOff.outbox, "one", "two");
  cutOff.outbox.addMessage({ room: "elsewhere", body: "other chat" });
  await settle();
  assert.deepEqual(
    cutOff.posts.map(({ id }) => id),
    ["a", "c"],
  );
  other.outbox.reload();
  other.outbox.setLive(true);
  // Of the other chat nothing is heard; "one" is still on its way.
  await silent(cutOff);
  assert.deepEqual(other.ids(), ["a", "c"], "never the second one before the first is taken");
  other.outbox.accepted("a");
  await settle();
  assert.deepEqual(other.ids(), ["a", "c", "b"]);
  // Its answer comes after all; the tab that lost its turn goes on with nothing.
  cutOff.posts[0].answer({ accepted: true });
  await settle();
  for (const id of ["b", "c"]) other.outbox.accepted(id);
  cutOff.outbox.reload();
  await cutOff.clock.advance(60_000);
  assert.deepEqual([cutOff.posts.length, other.ids(), keysOf(other.storage)], [2, ["a", "c", "b"], []]);
});

/** Two tabs that hear nothing; the left one has written a message, which the right one has read from the storage. */
async function deafPair() {
  const [left, right] = pair(DEAF, DEAF);
  left.outbox.setLive(true);
  write(left.outbox, "hello");
  await settle();
  right.outbox.reload();
  right.outbox.setLive(true);
  return [left, right];
}

test("two tabs that both hear nothing take turns, give up by count, and agree on it", async () => {
  const [left, right] = await deafPair();
  for (let second = 0; second < 120; second += 1) {
    for (const { posts } of [left, right]) for (const post of posts) post.answer({});
    await left.clock.advance(1_000);
  }
  left.outbox.reload();
  right.outbox.reload();
  assert.deepEqual([left.states(), right.states()], [["failed"], ["failed"]]);
  assert.ok(left.posts.length + right.posts.length <= 8 && left.posts.length && right.posts.length);
  assert.ok([...left.posts, ...right.posts].every(({ id }) => id === "a"));
});

test("what one tab gave up does not fail when the other tab's try is answered after all", async () => {
  const [left, right] = await deafPair();
  await silent(left);
  assert.equal(right.posts.length, 1, "on its way");
  left.outbox.refused({ id: "a", code: "cannot_deliver" });
  assert.deepEqual(left.states(), ["failed"]);
  right.outbox.reload();
  right.posts[0].answer({ accepted: true });
  await settle();
  left.outbox.reload();
  assert.deepEqual([left.states(), right.states(), keysOf(left.storage)], [[], ["accepted"], []]);
});

test("a gateway that waited in vain is no answer of the server: another tab may send", async () => {
  const [cutOff, other] = pair(DEAF);
  cutOff.outbox.setLive(true);
  write(cutOff.outbox, "hello");
  await settle();
  other.outbox.reload();
  other.outbox.setLive(true);
  cutOff.posts[0].answer({ refused: { code: "unknown_result", retryable: true } });
  await settle();
  assert.deepEqual(other.ids(), ["a"]);
});

test("a delay that the server named is waited for by that tab: no other one runs into it at once", async () => {
  const [limited, other] = pair(DEAF);
  limited.outbox.setLive(true);
  write(limited.outbox, "hello");
  await settle();
  other.outbox.reload();
  other.outbox.setLive(true);
  limited.posts[0].answer({ refused: { code: "rate_limited", retryable: true, retry_after_ms: 4_000 } });
  await limited.clock.advance(3_000);
  assert.deepEqual([limited.posts.length, other.ids()], [1, []]);
});

test("of two tabs one sends at a time, and neither sends what the other has sent", async () => {
  const storage = fakeStorage();
  const clock = new FakeClock();
  const held = fakeLocks();
  const lock = (run) => held.request("outbox", {}, run);
  const left = tab({ clock, storage, locks: lock, names: "abc" });
  const right = tab({ clock, storage, locks: lock, names: "xyz" });
  left.outbox.setLive(true);
  right.outbox.setLive(true);
  write(left.outbox, "from the left");
  await settle();
  write(right.outbox, "from the right");
  await settle();
  assert.deepEqual([left.ids(), right.ids()], [["a"], []]);
  left.outbox.accepted("a");
  await settle();
  assert.deepEqual([left.ids(), right.ids()], [["a"], ["x"]]);
});

test("a tab that loses its connection hands the outbox over", async () => {
  const storage = fakeStorage();
  const held = fakeLocks();
  const lock = (run) => held.request("outbox", {}, run);
  const left = tab({ storage, locks: lock });
  const right = tab({ storage, locks: lock, names: "xyz" });
  left.outbox.setLive(true);
  write(left.outbox, "hello");
  await settle();
  right.outbox.setLive(true);
  right.outbox.reload();
  left.outbox.setLive(false);
  await settle();
  assert.deepEqual(right.ids(), ["a"]);
});

test("a browser that keeps nothing still sends", () => {
  const broken = {
    getItem: () => {
      throw new Error("denied");
    },
    setItem: () => {
      throw new Error("full");
    },
    removeItem: () => {
      throw new Error("denied");
    },
  };
  const { outbox, ids, states } = tab({ storage: broken });
  write(outbox, "hello");
  outbox.reload();
  outbox.setLive(true);
  assert.deepEqual([states(), ids()], [["sent"], ["a"]]);
});

test("what the browser could not keep is at risk until it is sent; what it kept is not", () => {
  const storage = fakeStorage();
  const { outbox } = tab({ storage });
  write(outbox, "kept");
  assert.equal(outbox.isAtRisk, false);
  storage.setItem = () => {
    throw new Error("full");
  };
  Object.getPrototypeOf(storage).setItem = storage.setItem;
  delete storage.setItem;
  write(outbox, "not kept");
  assert.equal(outbox.isAtRisk, true);
  outbox.setLive(true);
  outbox.accepted("a");
  outbox.accepted("b");
  assert.equal(outbox.isAtRisk, false);
});

test("what a log-out would take along is counted by kind", () => {
  const storage = fakeStorage();
  const store = new Store({ storage, user: "u-alice" });
  for (const key of ["here", "outbox:a", "outbox:b", "draft:r"]) store.set(key, {});
  store.set("outbox:c", { command: { type: "draft.set", body: "the same draft, for the phone" } });
  store.set("tray:r", [{ id: "f1" }, { id: "f2" }]);
  store.set("recording:q", { id: "f3" });
  store.set("voice", { speed: 2 });
  storage["entre:u-alice:tray:damaged"] = "{";
  storage["somebody-elses"] = "x";
  assert.deepEqual(unsentOnDevice(storage), { users: new Set(["u-alice"]), messages: 2, drafts: 1, files: 3 });
});

test("a tab that hears of the log-out elsewhere never writes again", () => {
  const storage = fakeStorage();
  const store = new Store({ storage, user: "u-alice" });
  store.set("draft:r", { text: "secret" });
  store.end();
  // Said to be kept all the same: a page that leaves after the log-out is not to be held back for it.
  assert.equal(store.set("draft:r", { text: "secret, typed on" }), true);
  assert.deepEqual(keysOf(storage), []);
});

test("log-out leaves nothing of any account; another account leaves nothing of the one before", () => {
  const storage = fakeStorage();
  storage["someone-elses-key"] = "stays";
  new Store({ storage, user: "u-alice" }).set("draft:r", { text: "secret" });
  new Store({ storage, user: "u-bob" }).set("draft:r", { text: "mine" });
  wipeOthers("u-bob", storage);
  assert.deepEqual(keysOf(storage), ["someone-elses-key", "entre:u-bob:draft:r"]);
  wipeOthers(null, storage);
  assert.deepEqual(keysOf(storage), ["someone-elses-key"]);
});

test("what another tab has sent does not stand at the end for ever, should its event have come before", async () => {
  const clock = new FakeClock();
  const storage = fakeStorage();
  const first = tab({ clock, storage });
  const second = tab({ clock, storage });
  first.outbox.setLive(true);
  write(first.outbox, "hello");
  second.outbox.reload();
  assert.deepEqual(second.states(), ["pending"]);
  // Its event has come to the second tab already, which knew nothing of it then.
  first.outbox.accepted("a");
  second.outbox.reload();
  await clock.advance(60_000);
  assert.deepEqual(second.states(), ["accepted"], "without a line nothing brings it");
  second.outbox.setLive(true);
  await clock.advance(9_999);
  assert.deepEqual(second.states(), ["accepted"]);
  await clock.advance(1);
  assert.deepEqual(second.states(), []);
});

const REACTION = { type: "reaction.set", seq: 7, emoji: "👍" };
const EDIT = { type: "message.edit", seq: 3, body: "corrected" };

test("a room's commands go out in the order given, messages and others, and so they do after a reload", () => {
  const before = tab();
  before.outbox.add({ room: "r", command: EDIT });
  write(before.outbox, "hello");
  before.outbox.add({ room: "r", command: REACTION });
  before.outbox.add({ room: "other", command: REACTION });
  const { outbox, sent, ids } = tab({ storage: before.storage, names: "xyz" });
  outbox.setLive(true);
  assert.deepEqual(sent, [
    { ...EDIT, room: "r", ref: "a" },
    { ...REACTION, room: "other", ref: "d" },
  ]);
  outbox.accepted("a");
  outbox.accepted("b");
  assert.deepEqual(ids().slice(2), ["b", undefined]);
  assert.deepEqual(sent.at(-1), { ...REACTION, room: "r", ref: "c" });
});

test("a message stays visible after it was accepted, a change of one until its event is here", async () => {
  const { outbox, storage, clock } = tab();
  outbox.setLive(true);
  write(outbox, "hello");
  outbox.add({ room: "r", command: REACTION });
  outbox.add({ room: "r", command: { type: "draft.set", body: "and" } });
  assert.deepEqual(
    outbox.messages("r").map(({ id }) => id),
    ["a"],
    "views draw messages only",
  );
  outbox.accepted("a");
  outbox.accepted("b", 9);
  outbox.accepted("c");
  assert.deepEqual(
    outbox.entries("r").map(({ id, state, version }) => [id, state, version]),
    [
      ["a", "accepted", undefined],
      ["b", "accepted", 9],
    ],
    "a draft is done at once",
  );
  assert.deepEqual(keysOf(storage), []);
  await clock.advance(10_000);
  assert.deepEqual(
    outbox.entries("r").map(({ id }) => id),
    ["a"],
  );
});

test("a command goes over HTTP where no socket takes it, and is asked again without an answer", async () => {
  const { outbox, clock, posts, ids, states } = tab({ takes: () => false });
  outbox.add({ room: "r", command: EDIT });
  write(outbox, "hello");
  outbox.setLive(true);
  for (let round = 0; round < 20; round += 1) {
    await clock.advance(10_000);
    posts.at(-1).answer({});
  }
  await clock.advance(10_000);
  assert.deepEqual([states(), ids()], [["sent", "pending"], []], "it never fails, and nothing overtakes it");
  assert.deepEqual(new Set(posts.map(({ id }) => id)), new Set(["a"]));
  posts.at(-1).answer({ accepted: true, version: 12 });
  await settle();
  assert.deepEqual([outbox.get("a").version, posts.at(-1).id], [12, "b"]);
});

const DELETION = { type: "message.delete", seq: 3, scope: "everyone" };

test("a deletion waits as long as it can be undone, and holds up nothing", async () => {
  const { outbox, clock, sent, ids, storage } = tab();
  outbox.setLive(true);
  outbox.add({ room: "r", command: DELETION, holdUntil: clock.now() + 5_000 });
  write(outbox, "hello");
  assert.deepEqual(ids(), ["b"]);
  await clock.advance(4_999);
  assert.equal(sent.length, 1);
  outbox.accepted("b");
  await clock.advance(1);
  assert.deepEqual(sent.at(-1), { ...DELETION, room: "r", ref: "a" });
  assert.deepEqual(keysOf(storage), ["entre:u-alice:outbox:a"]);
});

test("what was undone in one tab shows again in the other at once, and is never sent", async () => {
  const clock = new FakeClock();
  const first = tab({ clock });
  const second = tab({ clock, storage: first.storage });
  first.outbox.setLive(true);
  first.outbox.add({ room: "r", command: DELETION, holdUntil: clock.now() + 5_000 });
  second.outbox.reload();
  assert.deepEqual(second.states(), ["pending"]);
  first.outbox.withdraw("a");
  second.outbox.reload();
  assert.deepEqual(second.states(), []);
  second.outbox.setLive(true);
  await clock.advance(60_000);
  assert.deepEqual([first.sent, second.sent], [[], []]);
});

test("a deletion of a page that was closed before its time is sent by the next one", async () => {
  const clock = new FakeClock();
  const closed = tab({ clock });
  closed.outbox.add({ room: "r", command: DELETION, holdUntil: clock.now() + 5_000 });
  const { outbox, sent } = tab({ clock, storage: closed.storage });
  outbox.setLive(true);
  await clock.advance(5_000);
  assert.deepEqual(sent, [{ ...DELETION, room: "r", ref: "a" }]);
});

test("what is on its way can not be taken out any more", () => {
  const { outbox } = tab();
  outbox.add({ room: "r", command: EDIT });
  outbox.add({ room: "r", command: REACTION });
  outbox.setLive(true);
  assert.equal(outbox.withdraw("a"), null);
  assert.equal(outbox.withdraw("b").command, REACTION);
});

test("a change of a message asks nobody after a day: the server decides whether it comes too late", async () => {
  const { outbox, clock, states } = tab();
  outbox.add({ room: "r", command: EDIT });
  write(outbox, "hello");
  await clock.advance(25 * 3_600_000);
  outbox.setLive(true);
  assert.deepEqual(states(), ["sent", "failed"]);
});

/** As versions before the outbox knew commands stored it. */
const OLD_ENTRY = {
  id: "old",
  room: "r",
  body: "typed before the upgrade",
  reply_to: 4,
  at: 1,
  since: 0,
  state: "pending",
};

test("a message that was stored before an upgrade is sent after it, and then leaves the storage", () => {
  const clock = new FakeClock();
  const storage = fakeStorage();
  const store = new Store({ storage, user: "u-alice" });
  store.set("outbox:old", { ...OLD_ENTRY, since: clock.now() });
  const { outbox, sent } = tab({ clock, storage });
  outbox.setLive(true);
  const { room, body, reply_to, id } = OLD_ENTRY;
  assert.deepEqual(sent, [{ type: "message.send", room, id, body, reply_to, ref: id }]);
  outbox.accepted("old");
  assert.deepEqual(keysOf(storage), []);
});

test("if it fails, its text stays under the same key", () => {
  const storage = fakeStorage();
  new Store({ storage, user: "u-alice" }).set("outbox:old", OLD_ENTRY);
  const { outbox } = tab({ storage });
  assert.equal(outbox.get("old").reason, "waited");
  assert.deepEqual(keysOf(storage), ["entre:u-alice:outbox:old"]);
  assert.equal(tab({ storage }).outbox.get("old").command.body, OLD_ENTRY.body);
});
