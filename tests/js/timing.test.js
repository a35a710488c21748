import assert from "node:assert/strict";
import test from "node:test";
import { newId } from "../../static/js/protocol/commands.js";
import { Timer, backoff, retryUntilAnswered } from "../../static/js/lib/timing.js";
import { FakeClock } from "./helpers/clock.js";

test("the wait grows to half a minute and stays there", () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 7, 50].map((attempt) => backoff(attempt, () => 0.999999));
  assert.deepEqual(longest, [499, 999, 1999, 3999, 7999, 14999, 29999, 29999, 29999]);
});

test("each wait is drawn from zero up, so that a thousand browsers do not return together", () => {
  assert.equal(
    backoff(6, () => 0),
    0,
  );
  assert.equal(
    backoff(6, () => 0.5),
    15_000,
  );
});

test("an alarm set twice rings once, at the later setting", async () => {
  const clock = new FakeClock();
  const rang = [];
  const start = clock.now();
  const alarm = new Timer(clock, (due) => rang.push(due - start));
  alarm.set(start + 100);
  alarm.set(start + 300);
  await clock.advance(1_000);
  assert.deepEqual(rang, [300]);
});

test("a message has a random id also where the browser has no randomUUID", () => {
  const source = { getRandomValues: (bytes) => crypto.getRandomValues(bytes) };
  const ids = new Set(Array.from({ length: 500 }, () => newId(source)));
  assert.equal(ids.size, 500);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("a failed load is retried until it succeeds, less and less often, and not before the server's time", async () => {
  const clock = new FakeClock();
  const start = clock.now();
  const asked = [];
  const answers = [
    { status: 502 },
    { status: 0 },
    new SyntaxError("bad JSON"),
    { status: 429, retryAfterMs: 20_000 },
    { status: 503, retryAfterMs: Number.NaN },
  ];
  const ask = async () => {
    asked.push(clock.now() - start);
    const error = answers[asked.length - 1];
    if (error) throw error;
    return "here";
  };
  const found = retryUntilAnswered(ask, { clock, random: () => 0.5 });
  await clock.advance(120_000);
  assert.equal(await found, "here");
  assert.deepEqual(asked, [0, 750, 1_750, 3_250, 23_250, 27_750]);
});

test("what is refused for good, or no longer wanted, is not retried", async () => {
  for (const status of [400, 401, 403, 404, 410]) {
    let asked = 0;
    const found = retryUntilAnswered(async () => Promise.reject({ status, asked: (asked += 1) }), {
      clock: new FakeClock(),
    });
    assert.deepEqual([await found, asked], [null, 1]);
  }
  const clock = new FakeClock();
  let isWanted = true;
  const found = retryUntilAnswered(async () => Promise.reject(new Error("away")), { clock, isWanted: () => isWanted });
  await clock.advance(100);
  isWanted = false;
  await clock.advance(60_000);
  assert.equal(await found, null);
});
