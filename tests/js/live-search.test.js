import assert from "node:assert/strict";
import test from "node:test";
import { LiveSearch, removedBy } from "../../static/js/state/live-search.js";
import { FakeClock } from "./helpers/clock.js";

/** Answers are given by hand: `asked[0].answer("found")`, `.fail()`. */
function search(query = "") {
  const clock = new FakeClock();
  const asked = [];
  const shown = [];
  const ask = (q, signal) => new Promise((answer, fail) => asked.push({ q, signal, answer, fail }));
  return {
    clock,
    asked,
    shown,
    live: new LiveSearch({ clock, query, ask, show: (found, q) => shown.push([q, found]) }),
  };
}

const questions = (asked) => asked.map(({ q }) => q);

test("one question for what was typed within a pause, none for each letter", async () => {
  const { clock, asked, live } = search();
  for (const query of ["j", "jo", "joa"]) {
    live.typed(query);
    await clock.advance(149);
  }
  assert.deepEqual(questions(asked), []);
  await clock.advance(1);
  assert.deepEqual(questions(asked), ["joa"]);
});

test("what is on the page already is not asked for; Enter asks at once", async () => {
  const { clock, asked, live } = search("joa");
  live.typed("joa");
  await clock.advance(1_000);
  assert.deepEqual(questions(asked), []);
  live.now("joa");
  await clock.advance(0);
  assert.deepEqual(questions(asked), ["joa"]);
});

test("the answer of an earlier question shows nothing, whenever it comes", async () => {
  const { clock, asked, shown, live } = search();
  live.typed("a");
  await clock.advance(150);
  live.typed("ab");
  assert.equal(asked[0].signal.aborted, true);
  await clock.advance(150);
  asked[1].answer("late ones");
  asked[0].answer("early ones");
  await clock.advance(0);
  assert.deepEqual(shown, [["ab", "late ones"]]);
});

test("a failed request is retried until it is answered, or until something else is typed", async () => {
  const { clock, asked, shown, live } = search();
  live.typed("a");
  await clock.advance(150);
  asked[0].fail(new Error("no connection"));
  await clock.advance(2_999);
  assert.equal(asked.length, 1);
  await clock.advance(1);
  asked[1].answer("found");
  await clock.advance(10_000);
  assert.deepEqual([questions(asked), shown], [["a", "a"], [["a", "found"]]]);
  live.typed("b");
  await clock.advance(150);
  asked[2].fail(new Error("no connection"));
  live.typed("bc");
  await clock.advance(10_000);
  assert.deepEqual(questions(asked).slice(2), ["b", "bc"]);
});

test("what is deleted, for both or for this user, leaves the results; a reaction does not", () => {
  const changed = (message) => removedBy({ type: "message.changed", room: "dm-a", message: { seq: 7, ...message } });
  assert.equal(changed({ deleted_at: "2026-01-01T00:00:00.000Z" }), "/chats/dm-a/?m=7");
  assert.equal(changed({ deleted_for_me: true }), "/chats/dm-a/?m=7");
  assert.equal(removedBy({ type: "message.hidden", room: "dm-a", seq: 7, mark: 2 }), "/chats/dm-a/?m=7");
  assert.equal(changed({ reactions: [{ emoji: "👍", users: ["bob"] }] }), null);
  assert.equal(removedBy({ type: "message.created", room: "dm-a", message: { seq: 8 } }), null);
});
