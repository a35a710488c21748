import assert from "node:assert/strict";
import test from "node:test";

import { Gestures, Zoom } from "../../static/js/state/attachments-zoom.js";

const SIZE = { width: 400, height: 800, shownWidth: 400, shownHeight: 300 };
const made = (size = SIZE) => new Zoom({ size: () => size });
const state = ({ zoom, x, y }) => [zoom, x, y];

test("what is under the pointer stays under it", () => {
  const zoom = made();
  zoom.to(2, { x: 100, y: 0 });
  assert.deepEqual(state(zoom), [2, -100, 0]);
  zoom.to(4, { x: 100, y: 0 });
  assert.deepEqual(state(zoom), [4, -300, 0]);
});

test("no empty stage beside a large picture, and a small one stays in the middle", () => {
  const zoom = made();
  assert.equal(zoom.move(50, 50), false);
  zoom.to(2);
  assert.equal(zoom.move(1_000, 1_000), true);
  assert.deepEqual(state(zoom), [2, 200, 0]);
  assert.equal(zoom.move(1, 0), false);
});

test("zoom has an end on both sides, and a double press goes there and back", () => {
  const zoom = made();
  zoom.out();
  assert.equal(zoom.zoom, 1);
  for (let press = 0; press < 20; press += 1) zoom.in();
  assert.equal(zoom.zoom, 8);
  zoom.toggle();
  assert.deepEqual(state(zoom), [1, 0, 0]);
  zoom.toggle({ x: 0, y: 0 });
  assert.equal(zoom.zoom, 2.5);
});

function gestures() {
  let at = 0;
  const zoom = made();
  const swipes = [];
  const dragged = [];
  const hand = new Gestures({
    zoom,
    now: () => at,
    changed: () => {},
    swiped: (side) => swipes.push(side),
    dragged: (px) => dragged.push(px),
  });
  const stroke = (...points) => {
    hand.down(1, points[0]);
    for (const point of points.slice(1)) hand.move(1, point);
    hand.up(1, points.at(-1));
  };
  return { zoom, swipes, dragged, hand, stroke, wait: (ms) => (at += ms) };
}

test("a finger to the side asks for another picture; a short way, or one up, does not", () => {
  const { swipes, dragged, stroke } = gestures();
  stroke({ x: 0, y: 0 }, { x: -40, y: 0 }, { x: -90, y: 10 });
  stroke({ x: 0, y: 0 }, { x: 90, y: 10 });
  stroke({ x: 0, y: 0 }, { x: 30, y: 0 });
  stroke({ x: 0, y: 0 }, { x: 90, y: 200 });
  assert.deepEqual(swipes, [-1, 1]);
  assert.ok(dragged.includes(-40), "the picture follows the finger");
  assert.equal(dragged.at(-1), 0);
});

test("two fingers pinch, and lifting them swipes nothing", () => {
  const { zoom, swipes, hand } = gestures();
  hand.down(1, { x: -50, y: 0 });
  hand.down(2, { x: 50, y: 0 });
  hand.move(1, { x: -150, y: 0 });
  hand.move(2, { x: 150, y: 0 });
  assert.equal(zoom.zoom, 3);
  hand.up(1, { x: -150, y: 0 });
  hand.move(2, { x: 350, y: 0 });
  hand.up(2, { x: 350, y: 0 });
  assert.deepEqual(swipes, []);
});

test("a zoomed picture is dragged, not changed for another", () => {
  const { zoom, swipes, stroke } = gestures();
  zoom.to(2);
  stroke({ x: 0, y: 0 }, { x: -120, y: 0 });
  assert.deepEqual([zoom.x, swipes], [-120, []]);
});

test("two quick taps zoom, two slow ones do not", () => {
  const { zoom, stroke, wait } = gestures();
  stroke({ x: 10, y: 0 });
  wait(1_000);
  stroke({ x: 10, y: 0 });
  assert.equal(zoom.zoom, 1);
  wait(100);
  stroke({ x: 10, y: 0 });
  assert.equal(zoom.zoom, 2.5);
});

test("a gesture that the browser takes over leaves everything as it was", () => {
  const { zoom, swipes, dragged, hand } = gestures();
  hand.down(1, { x: 0, y: 0 });
  hand.move(1, { x: 200, y: 0 });
  hand.cancel();
  hand.up(1, { x: 200, y: 0 });
  assert.deepEqual([zoom.zoom, swipes, dragged.at(-1), hand.isHeld], [1, [], 0, false]);
});
