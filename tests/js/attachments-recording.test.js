import assert from "node:assert/strict";
import test from "node:test";
import { HoldToRecord, peaksOf, Recording } from "../../static/js/state/attachments-recording.js";
import { FakeClock } from "./helpers/clock.js";

function recorded({ level = () => 0.5 } = {}) {
  const clock = new FakeClock();
  const log = [];
  const microphone = { level, pause: () => log.push("pause"), resume: () => log.push("resume") };
  const on = { tick: () => {}, warn: () => log.push("warn"), full: () => log.push("full") };
  return { clock, log, recording: new Recording({ microphone, clock, on }) };
}

test("a pause is not part of the recording's length", async () => {
  const { clock, recording, log } = recorded();
  await clock.advance(3_000);
  recording.pause();
  await clock.advance(60_000);
  assert.deepEqual([recording.seconds, recording.isPaused, recording.levels.length], [3, true, 30]);
  recording.resume();
  await clock.advance(1_500);
  assert.deepEqual([recording.seconds, recording.isPaused, recording.levels.length], [4.5, false, 45]);
  assert.deepEqual(log, ["pause", "resume"]);
});

test("it warns half a minute before ten minutes, pauses at ten, and does not go on", async () => {
  const { clock, recording, log } = recorded();
  await clock.advance(569_900);
  assert.deepEqual(log, []);
  await clock.advance(100);
  assert.deepEqual(log, ["warn"]);
  await clock.advance(60_000);
  assert.deepEqual([log, recording.seconds, recording.isFull], [["warn", "pause", "full"], 600, true]);
  recording.resume();
  assert.equal(recording.isPaused, true);
});

test("64 peaks, each the loudest of its part, as whole numbers up to 100", () => {
  const levels = Array.from({ length: 640 }, (_, at) => (at === 325 ? 0.8 : 0.2));
  const peaks = peaksOf(levels);
  assert.equal(peaks.length, 64);
  assert.deepEqual([peaks[32], peaks[31], Math.max(...peaks)], [100, 25, 100]);
  const short = peaksOf([0.1, 0.2]);
  assert.deepEqual([short.length, short[0], short[31], short[32], short[63]], [64, 50, 50, 100, 100]);
  assert.deepEqual(peaksOf([]), []);
  assert.ok(Math.max(...peaksOf(Array(100).fill(0.001))) <= 2, "silence stays silence");
  assert.ok(peaks.every((peak) => Number.isInteger(peak) && peak >= 0 && peak <= 100));
});

function finger({ isRightToLeft = false } = {}) {
  const clock = new FakeClock();
  const log = [];
  const names = ["start", "locked", "cancelled", "released"];
  const on = Object.fromEntries(names.map((name) => [name, () => log.push(name)]));
  const slides = [];
  const hold = new HoldToRecord({
    clock,
    isRightToLeft: () => isRightToLeft,
    on: { ...on, slide: (how) => slides.push(how) },
  });
  return { clock, hold, log, slides };
}

for (const [name, moves, ms, expected, isRightToLeft = false] of [
  ["held and lifted: sent", [], 2_000, ["start", "released"]],
  ["a short press: it goes on without the finger", [], 200, ["start", "locked"]],
  ["slid up: it goes on without the finger", [{ x: 0, y: -70 }], 2_000, ["start", "locked"]],
  ["slid to the beginning of the line: cancelled", [{ x: -100, y: 0 }], 2_000, ["start", "cancelled"]],
  ["slid to the end of the line: nothing", [{ x: 100, y: 0 }], 2_000, ["start", "released"]],
  ["slid to the right where lines begin there: cancelled", [{ x: 100, y: 0 }], 2_000, ["start", "cancelled"], true],
  [
    "slid a little and back: sent",
    [
      { x: -60, y: -20 },
      { x: 0, y: 0 },
    ],
    2_000,
    ["start", "released"],
  ],
])
  test(name, async () => {
    const { clock, hold, log } = finger({ isRightToLeft });
    hold.press({ x: 0, y: 0 });
    await clock.advance(ms);
    for (const move of moves) hold.move(move);
    hold.release();
    hold.release();
    hold.move({ x: -500, y: -500 });
    assert.deepEqual([log, hold.isHeld], [expected, false]);
  });

test("a finger that the browser takes away leaves the recording on", () => {
  const { hold, log, slides } = finger();
  hold.press({ x: 0, y: 0 });
  hold.move({ x: -48, y: -16 });
  hold.lose();
  hold.lose();
  assert.deepEqual([log, slides], [["start", "locked"], [{ cancel: 0.5, lock: 0.25 }]]);
});
