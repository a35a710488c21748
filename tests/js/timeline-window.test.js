import assert from "node:assert/strict";
import test from "node:test";
import { Timeline } from "../../static/js/state/timeline.js";

const message = (seq, version = seq, body = `${seq}`) => ({
  seq,
  version,
  id: `m-${seq}`,
  sender: "u-bob",
  ordinal: seq,
  kind: "text",
  body,
  created_at: "2026-11-21T12:00:00.000Z",
});
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => message(from + index));

/** A conversation of 1,000 messages of which the newest fifty are loaded. */
function newest() {
  const timeline = new Timeline();
  timeline.load(range(951, 1_000), 1_000);
  return timeline;
}
const span = (timeline) => [timeline.oldest, timeline.latest, timeline.messages.length];

/** Up by whole pages, as the page does it. */
function climb(timeline, pages) {
  for (let page = 0; page < pages; page += 1) {
    const from = timeline.oldest;
    timeline.prepend(range(Math.max(1, from - 50), from - 1), { complete: from <= 51 });
    timeline.trim("end");
  }
  return timeline;
}

test("on the way up 240 messages stay, and what goes is the newest", () => {
  const timeline = climb(newest(), 3);
  assert.deepEqual(span(timeline), [801, 1_000, 200]);
  assert.ok(timeline.isAtEnd);
  climb(timeline, 1);
  assert.deepEqual(span(timeline), [751, 990, 240]);
  assert.ok(!timeline.isAtEnd);
  climb(timeline, 10);
  assert.deepEqual(span(timeline), [251, 490, 240]);
});

test("scrolled all the way up the window starts at the first message and is complete", () => {
  const timeline = climb(newest(), 19);
  assert.deepEqual(span(timeline), [1, 240, 240]);
  assert.ok(timeline.complete);
});

test("on the way down what goes is the oldest, until the end is reached", () => {
  const timeline = climb(newest(), 19);
  for (let page = 0; !timeline.isAtEnd; page += 1) {
    assert.ok(page < 20, "comes to an end");
    timeline.append(range(timeline.latest + 1, Math.min(1_000, timeline.latest + 50)));
    timeline.trim("start");
  }
  assert.deepEqual(span(timeline), [761, 1_000, 240]);
  assert.ok(!timeline.complete);
  timeline.receive(message(1_001));
  assert.equal(timeline.latest, 1_001);
});

test("from far above one step leads to the newest, with nothing missing between and without a request", () => {
  const timeline = climb(newest(), 15);
  timeline.receive(message(1_001));
  assert.notEqual(timeline.latest, 1_001);
  assert.equal(timeline.newest.seq, 1_001);
  timeline.toEnd();
  const seqs = timeline.messages.map(({ seq }) => seq);
  assert.equal(seqs.at(-1), 1_001);
  assert.deepEqual(
    seqs,
    range(seqs[0], 1_001).map(({ seq }) => seq),
  );
  assert.ok(seqs.length >= 50);
});

test("a jump leaves what stood there, and the way back is there", () => {
  const timeline = newest();
  timeline.replace(range(75, 125), { complete: false });
  assert.deepEqual(span(timeline), [75, 125, 51]);
  assert.ok(!timeline.isAtEnd);
  assert.ok(!timeline.complete);
  timeline.toEnd();
  assert.deepEqual(span(timeline), [951, 1_000, 50]);
});

test("a jump near the end is joined with it", () => {
  const timeline = newest();
  timeline.replace(range(930, 980));
  assert.deepEqual(span(timeline), [930, 1_000, 71]);
  assert.ok(timeline.isAtEnd);
});

test("a jump to the beginning knows that it is one", () => {
  const timeline = newest();
  timeline.replace(range(1, 30), { complete: true });
  assert.ok(timeline.complete);
  timeline.append(range(31, 300));
  timeline.trim("start");
  assert.ok(!timeline.complete);
});

test("a change of a message that is not here waits for its page; one of a message here is seen at once", () => {
  const timeline = climb(newest(), 15);
  timeline.receive(message(600, 1_001, "changed, nowhere"));
  timeline.receive(message(300, 1_002, "changed, here"));
  timeline.receive(message(998, 1_003, "changed, at the end"));
  assert.equal(timeline.cursor, 1_003);
  const body = (seq) => timeline.messages.find((one) => one.seq === seq)?.body;
  assert.equal(body(300), "changed, here");
  assert.equal(body(600), undefined);
  timeline.replace(range(580, 630));
  assert.equal(body(600), "changed, nowhere");
  timeline.toEnd();
  assert.equal(body(998), "changed, at the end");
});

test("however far the user scrolls, little is kept", () => {
  const timeline = climb(newest(), 12);
  for (let seq = 1_001; seq <= 1_100; seq += 1) timeline.receive(message(seq));
  const kept = range(1, 1_100).filter(({ id }) => timeline.has(id)).length;
  assert.ok(kept <= 240 + 50 + 100, `${kept}`);
});

test("who reads the end of a page that is full is not sent away by what arrives", () => {
  const timeline = climb(newest(), 3);
  for (let seq = 1_001; seq <= 1_060; seq += 1) timeline.receive(message(seq));
  assert.ok(timeline.trim("start"));
  assert.deepEqual(span(timeline), [821, 1_060, 240]);
  assert.ok(timeline.isAtEnd);
});

test("an empty conversation begins with its first message", () => {
  const timeline = new Timeline();
  timeline.load([], 0, { complete: true });
  timeline.receive(message(1));
  assert.deepEqual(span(timeline), [1, 1, 1]);
  assert.ok(timeline.complete);
});
