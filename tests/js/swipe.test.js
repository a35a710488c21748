import assert from "node:assert/strict";
import test from "node:test";
import { Swipe } from "../../static/js/state/swipe.js";

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
