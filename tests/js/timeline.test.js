import assert from "node:assert/strict";
import test from "node:test";
import { timelineItems } from "../../static/js/state/timeline-items.js";
import { acceptedMessage, Timeline } from "../../static/js/state/timeline.js";

const ALICE = "u-alice";
const BOB = "u-bob";

export const message = (seq, version = seq, extra = {}) => ({
  seq,
  version,
  id: `m-${seq}`,
  sender: seq % 2 ? ALICE : BOB,
  ordinal: seq,
  kind: "text",
  body: `message ${seq} v${version}`,
  created_at: "2026-11-21T12:00:00.000Z",
  edited_at: null,
  deleted_at: null,
  ...extra,
});
const loaded = (upTo, options) => {
  const timeline = new Timeline();
  timeline.load(
    Array.from({ length: upTo }, (_, index) => message(index + 1)),
    upTo,
    options,
  );
  return timeline;
};
const bodies = (timeline) => timeline.messages.map(({ body }) => body);
const seqs = (timeline) => timeline.messages.map(({ seq }) => seq);

test("the next change is applied and moves the cursor", () => {
  const timeline = loaded(2);
  assert.equal(timeline.receive(message(3)), "applied");
  assert.equal(timeline.cursor, 3);
  assert.deepEqual(seqs(timeline), [1, 2, 3]);
});

test("a change that is received twice is applied once", () => {
  const timeline = loaded(2);
  timeline.receive(message(3));
  assert.equal(timeline.receive(message(3)), "old");
  assert.deepEqual(seqs(timeline), [1, 2, 3]);
});

test("after a hole the change waits, and the hole is reported", () => {
  const timeline = loaded(2);
  assert.equal(timeline.receive(message(4)), "gap");
  assert.equal(timeline.cursor, 2);
  assert.deepEqual(seqs(timeline), [1, 2]);
  assert.ok(timeline.hasGap);
});

test("what fills the hole brings along what waited behind it", () => {
  const timeline = loaded(2);
  timeline.receive(message(5));
  timeline.receive(message(4));
  timeline.receive(message(3));
  assert.equal(timeline.cursor, 5);
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5]);
  assert.ok(!timeline.hasGap);
});

test("an old change never overwrites a newer state", () => {
  const timeline = loaded(2);
  timeline.receive(message(1, 3));
  timeline.receive(message(1, 4));
  assert.equal(timeline.receive(message(1, 3)), "old");
  assert.equal(bodies(timeline)[0], "message 1 v4");
});

test("a page from our cursor fills the hole; one that starts above it teaches rows but not the cursor", () => {
  const timeline = loaded(2);
  timeline.receivePage({ messages: [message(7)], after: 6, version: 7 });
  assert.equal(timeline.cursor, 2);
  timeline.receivePage({ messages: [message(3), message(4), message(5)], after: 2, version: 5 });
  assert.equal(timeline.cursor, 5);
  timeline.receivePage({ messages: [message(6)], after: 5, version: 6 });
  timeline.receive(message(7));
  assert.equal(timeline.cursor, 7);
  assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5, 6, 7]);
});

test("a reset drops what was held of the room", () => {
  const timeline = loaded(5);
  timeline.receivePage({ messages: [message(2001), message(2002)], after: 5, version: 2002, reset: true });
  assert.deepEqual(seqs(timeline), [2001, 2002]);
  assert.equal(timeline.cursor, 2002);
});

test("a change of a message above the window survives a page of history that was read before it", () => {
  const timeline = new Timeline();
  timeline.load([message(3), message(4)], 4);
  timeline.receive(message(1, 5, { body: "edited" }));
  assert.deepEqual(seqs(timeline), [3, 4]);
  timeline.prepend([message(1), message(2)]);
  assert.deepEqual(bodies(timeline), ["edited", "message 2 v2", "message 3 v3", "message 4 v4"]);
});

test("history read after a change that is still on its way does not fall back when it comes", () => {
  const timeline = new Timeline();
  timeline.load([message(3)], 3);
  timeline.prepend([message(1, 5, { body: "newest" }), message(2)]);
  timeline.receive(message(1, 4, { body: "between" }));
  timeline.receive(message(1, 5, { body: "newest" }));
  assert.equal(bodies(timeline)[0], "newest");
  assert.equal(timeline.cursor, 5);
});

test("what I hid leaves an empty place, also when it changes later", () => {
  const timeline = loaded(2);
  timeline.hide([2, 99]);
  timeline.receive(message(2, 3, { body: "edited" }));
  assert.deepEqual(bodies(timeline), ["message 1 v1", ""]);
  assert.deepEqual(
    arranged(timeline.messages)
      .filter(({ kind }) => kind === "message")
      .map(({ message: { seq } }) => seq),
    [1],
    "and no place on the page",
  );
});

test("an answer that shows a message as deleted for me hides it, without a new version", () => {
  const timeline = loaded(2);
  timeline.receive(message(2, 2, { body: "", deleted_for_me: true }));
  assert.deepEqual(bodies(timeline), ["message 1 v1", ""]);
});

const quote = (timeline, seq) => timeline.messages.find((one) => one.seq === seq).reply;

test("a quote follows what it quotes: an edit, a deletion, and what I deleted for me", () => {
  const timeline = new Timeline();
  const reply = { seq: 1, sender: BOB, kind: "text", excerpt: "as it was", deleted: false };
  timeline.load([message(1), message(2), message(3, 3, { reply_to: 1, reply }), message(4, 4, { reply_to: 2 })], 4);
  timeline.receive(message(1, 5, { body: "x".repeat(199) + "😀 and more", edited_at: "2026-11-21T12:00:00.000Z" }));
  assert.deepEqual([[...quote(timeline, 3).excerpt].length, quote(timeline, 3).excerpt.at(-2)], [200, "\ud83d"]);
  timeline.receive(message(1, 6, { body: "", deleted_at: "2026-11-21T12:00:00.000Z" }));
  assert.deepEqual([quote(timeline, 3).excerpt, quote(timeline, 3).deleted], ["", true]);
  timeline.hide([2]);
  assert.deepEqual([quote(timeline, 4).excerpt, quote(timeline, 4).deleted], ["", true]);
});

test("a reply typed here gets its quote from what is on the page", () => {
  const timeline = loaded(2);
  const entry = { id: "mine", command: { body: "yes", reply_to: 1 } };
  timeline.receive(acceptedMessage(entry, { seq: 3, version: 3, created_at: "2026-11-21T12:00:00.000Z" }, ALICE));
  assert.equal(quote(timeline, 3).excerpt, "message 1 v1");
});

test("a reply to what is not on the page gets its quote with the event", () => {
  const timeline = loaded(2);
  const entry = { id: "mine", command: { body: "yes", reply_to: 99 } };
  const mine = acceptedMessage(entry, { seq: 3, version: 3, created_at: "2026-11-21T12:00:00.000Z" }, ALICE);
  timeline.receive(mine);
  const reply = { seq: 99, sender: BOB, kind: "text", excerpt: "far above", deleted: false };
  timeline.receive({ ...mine, reply });
  timeline.receive(mine);
  assert.deepEqual(quote(timeline, 3), reply);
});

test("a quote follows a message above the loaded page, too", () => {
  const timeline = new Timeline();
  const reply = { seq: 1, sender: BOB, kind: "text", excerpt: "as it was", deleted: false };
  timeline.load([message(8), message(9, 9, { reply_to: 1, reply })], 9);
  timeline.receive(message(1, 10, { body: "changed" }));
  assert.equal(quote(timeline, 9).excerpt, "changed");
  timeline.prepend([message(1, 1, { body: "as it was" }), message(2)]);
  assert.deepEqual([bodies(timeline)[0], quote(timeline, 9).excerpt], ["changed", "changed"]);
});

const arranged = (messages, extra = {}) =>
  timelineItems({
    messages,
    me: ALICE,
    peer: { read: 0, delivered: 0 },
    dayOf: (moment) => new Date(moment).toISOString().slice(0, 10),
    ...extra,
  });
const at = (minute, day = 21) => ({ created_at: `2026-11-${day}T12:${String(minute).padStart(2, "0")}:00.000Z` });

test("ticks follow the peer's receipts, on own messages only", () => {
  const items = arranged([message(1), message(3), message(5), message(6)], { peer: { read: 1, delivered: 3 } }).filter(
    (item) => item.kind === "message",
  );
  assert.deepEqual(
    items.map((item) => item.state),
    ["read", "delivered", "sent", null],
  );
});

test("a message waiting in the outbox keeps its key when it is stored, and stands once", () => {
  const entry = {
    id: "m-3",
    room: "r",
    command: { type: "message.send", body: "hello" },
    at: Date.parse(at(5).created_at),
    state: "sent",
  };
  const before = arranged([message(1, 1, at(0))], { entries: [entry] });
  const after = arranged([message(1, 1, at(0)), message(3, 3, at(5))], { entries: [entry] });
  assert.deepEqual(
    before.map((item) => item.key),
    after.map((item) => item.key),
  );
  assert.deepEqual([before.at(-1).state, after.at(-1).state], ["pending", "sent"]);
});

test("a message that arrives while mine is pending goes above it", () => {
  const entry = {
    id: "mine",
    room: "r",
    command: { type: "message.send", body: "hello" },
    at: Date.parse(at(1).created_at),
    state: "pending",
  };
  const keys = arranged([message(1, 1, at(0)), message(2, 2, at(9))], { entries: [entry] }).map((item) => item.key);
  assert.deepEqual(keys, ["day:2026-11-21", "m-1", "m-2", "mine"]);
});

test("one sender within five minutes and one day is a group", () => {
  const same = (seq, minute, day) => message(seq, seq, { sender: BOB, ...at(minute, day) });
  const items = arranged([same(2, 0), same(4, 4), same(6, 10), message(7, 7, at(11)), same(8, 11, 22)]).filter(
    (item) => item.kind === "message",
  );
  assert.deepEqual(
    items.map((item) => [item.first, item.last]),
    [
      [true, false],
      [false, true],
      [true, true],
      [true, true],
      [true, true],
    ],
  );
});

test("the divider stands above the first new message of the peer, once, and counts only theirs", () => {
  const theirs = (seq, ordinal) => message(seq, seq, { ordinal });
  const items = arranged([message(1), theirs(2, 1), message(3), theirs(4, 2), theirs(6, 3)], {
    divider: 1,
    received: 3,
  });
  assert.deepEqual(
    items.map((item) => item.key),
    ["day:2026-11-21", "m-1", "m-2", "m-3", "divider", "m-4", "m-6"],
  );
  assert.equal(items.find((item) => item.key === "divider").count, 2);
});

test("the divider also counts what is not loaded yet, and moves up when it is", () => {
  const theirs = (seq) => message(seq, seq, { sender: BOB, ordinal: seq });
  const few = arranged([theirs(8), theirs(9)], { divider: 5, received: 9 });
  const more = arranged([theirs(5), theirs(6), theirs(7), theirs(8), theirs(9)], { divider: 5, received: 9 });
  assert.deepEqual(
    few.map((item) => item.key),
    ["day:2026-11-21", "divider", "m-8", "m-9"],
  );
  assert.deepEqual(
    more.map((item) => item.key),
    ["day:2026-11-21", "m-5", "divider", "m-6", "m-7", "m-8", "m-9"],
  );
  assert.deepEqual(
    [few, more].map((items) => items.find((item) => item.key === "divider").count),
    [4, 4],
  );
});
