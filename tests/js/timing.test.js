import assert from "node:assert/strict";
import test from "node:test";
import { newId } from "../../static/js/protocol/commands.js";
import { Alarm, backoff } from "../../static/js/lib/timing.js";
import { FakeClock } from "./helpers/clock.js";

test("the wait grows to half a minute and stays there", () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 7, 50].map((attempt) => backoff(attempt, () => 0.999999));
  assert.deepEqual(longest, [499, 999, 1999, 3999, 7999, 14999, 29999, 29999, 29999]);
});

test("each wait is drawn from zero up, so that a thousand browsers do not return together", () => {
  assert.equal(backoff(6, () => 0), 0);
  assert.equal(backoff(6, () => 0.5), 15_000);
});

test("an alarm set twice rings once, at the later setting", async () => {
  const clock = new FakeClock();
  const rang = [];
  const start = clock.now();
  const alarm = new Alarm(clock, (due) => rang.push(due - start));
  alarm.set(start + 100);
  alarm.set(start + 300);
  await clock.advance(1_000);
  assert.deepEqual(rang, [300]);
});

test("a message has a random id also where the browser offers no randomUUID", () => {
  const source = { getRandomValues: (bytes) => crypto.getRandomValues(bytes) };
  const ids = new Set(Array.from({ length: 500 }, () => newId(source)));
  assert.equal(ids.size, 500);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
