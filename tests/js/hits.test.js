// The hits of a search in one chat: the newest first, one after the other, and more when they are needed.

import assert from "node:assert/strict";
import test from "node:test";
import { Hits } from "../../static/js/state/hits.js";

const page = (seqs, next = null) => ({ items: seqs.map((seq) => ({ message: { seq } })), next });

test("the newest hit is chosen first, and older ones follow", async () => {
  const hits = new Hits({ load: () => assert.fail("nothing more to load") });
  hits.begin("tea", page([9, 5, 2]));
  assert.equal(hits.current, 9);
  assert.ok(await hits.step(1));
  assert.equal(hits.current, 5);
});

test("after the oldest hit comes the newest, and the other way round", async () => {
  const hits = new Hits({ load: () => assert.fail("nothing more to load") });
  hits.begin("tea", page([9, 5]));
  await hits.step(-1);
  assert.equal(hits.current, 5);
  await hits.step(1);
  assert.equal(hits.current, 9);
});

test("further pages are loaded when the last known hit is passed, over an empty one", async () => {
  const asked = [];
  const pages = { a: page([], "b"), b: page([1]) };
  const hits = new Hits({ load: async (query, cursor) => (asked.push([query, cursor]), pages[cursor]) });
  hits.begin("tea", page([9], "a"));
  assert.ok(hits.hasMore);
  await hits.step(1);
  assert.equal(hits.current, 1);
  assert.deepEqual(asked, [
    ["tea", "a"],
    ["tea", "b"],
  ]);
  assert.ok(!hits.hasMore);
});

test("an answer for the query before changes nothing", async () => {
  let answer;
  const hits = new Hits({ load: () => new Promise((done) => (answer = done)) });
  hits.begin("tea", page([9], "a"));
  const step = hits.step(1);
  hits.begin("coffee", page([7]));
  answer(page([1]));
  assert.equal(await step, false);
  assert.equal(hits.current, 7);
});

test("without hits there is no next one", async () => {
  const hits = new Hits({ load: () => assert.fail() });
  assert.equal(await hits.step(1), false);
  hits.begin("tea", page([]));
  assert.equal(await hits.step(-1), false);
  assert.equal(hits.current, null);
});
