import assert from "node:assert/strict";
import test from "node:test";
import { LongPress, Swipe } from "../../static/js/state/fingers.js";
import { FakeClock } from "./helpers/clock.js";

/** A finger on a message: what it moved, and what was answered. */
function finger({ isRightToLeft = false } = {}) {
  const seen = { shown: [], answered: [] };
  const swipe = new Swipe({
    onMove: (target, px) => seen.shown.push(px),
    onDone: (target) => seen.answered.push(target),
    isRightToLeft: () => isRightToLeft,
  });
  swipe.start({ x: 100, y: 100, target: "the message" });
  return { swipe, seen };
}

test("a finger that goes far enough across answers the message, and the bubble returns", () => {
  const { swipe, seen } = finger();
  for (const x of [105, 120, 150, 170]) swipe.move({ x, y: 103 });
  swipe.end();
  assert.deepEqual([seen.shown, seen.answered], [[8, 38, 58, 0], ["the message"]]);
});

test("a short way, or one back again, answers nothing", () => {
  for (const path of [[140], [180, 110]]) {
    const { swipe, seen } = finger();
    for (const x of path) swipe.move({ x, y: 100 });
    swipe.end();
    assert.deepEqual([seen.shown.at(-1), seen.answered], [0, []]);
  }
});

test("scrolling is no swipe, and neither is the other direction", () => {
  for (const at of [
    { x: 110, y: 130 },
    { x: 80, y: 100 },
  ]) {
    const { swipe, seen } = finger();
    assert.equal(swipe.move(at), false);
    assert.equal(swipe.move({ x: 180, y: 100 }), false, "it began as something else");
    swipe.end();
    assert.deepEqual(seen, { shown: [], answered: [] });
  }
});

test("where text runs from right to left, so does the swipe", () => {
  const { swipe, seen } = finger({ isRightToLeft: true });
  for (const x of [80, 30]) swipe.move({ x, y: 100 });
  swipe.end();
  assert.deepEqual([seen.shown, seen.answered], [[8, 58, 0], ["the message"]]);
});

test("a second finger puts the bubble back", () => {
  const { swipe, seen } = finger();
  swipe.move({ x: 180, y: 100 });
  swipe.cancel();
  swipe.end();
  assert.deepEqual([seen.shown, seen.answered], [[68, 0], []]);
});

/** A finger that may stay where it is. */
function restingFinger() {
  const clock = new FakeClock();
  const held = [];
  const press = new LongPress({ clock, onHold: (at) => held.push(at) });
  return { clock, held, press };
}

const AT = { x: 100, y: 200, target: "a message" };

test("a finger that stays for half a second opens the menu, once", async () => {
  const { clock, held, press } = restingFinger();
  press.start(AT);
  await clock.advance(499);
  assert.deepEqual(held, []);
  await clock.advance(1);
  assert.deepEqual(held, [AT]);
  await clock.advance(5_000);
  assert.equal(held.length, 1);
});

test("lifting, moving and scrolling call it off; trembling does not", async () => {
  for (const what of [
    (press) => press.end(),
    (press) => press.move({ x: 100, y: 211 }),
    (press) => press.move({ x: 89, y: 200 }),
  ]) {
    const { clock, held, press } = restingFinger();
    press.start(AT);
    await clock.advance(300);
    what(press);
    await clock.advance(5_000);
    assert.deepEqual(held, []);
  }
  const { clock, held, press } = restingFinger();
  press.start(AT);
  press.move({ x: 106, y: 206 });
  await clock.advance(500);
  assert.equal(held.length, 1);
});
