// Which square of a picture is chosen: it never leaves the picture.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Crop } from "../../static/js/state/crop.js";

const wide = () => new Crop({ width: 600, height: 300 });

test("it begins in the middle, as large as it gets", () => {
  const crop = wide();
  assert.deepEqual([crop.left, crop.top, crop.side], [150, 0, 300]);
  assert.equal(crop.shares, "0.25000 0.00000 1.00000");
  assert.ok(crop.isSmallest);
});

test("it moves by parts of itself, and stops at every edge", () => {
  const crop = wide();
  crop.move(0.5, 0.5);
  assert.deepEqual([crop.left, crop.top], [300, 0]);
  crop.move(9, 9);
  assert.deepEqual([crop.left, crop.top], [300, 0]);
  crop.move(-9, -9);
  assert.deepEqual([crop.left, crop.top], [0, 0]);
});

test("it shows less and more around its middle, within bounds", () => {
  const crop = wide();
  for (let step = 0; step < 40; step += 1) crop.resize(1);
  assert.ok(crop.isLargest);
  assert.equal(crop.side, 300 / 8);
  crop.move(9, 0);
  crop.resize(-1);
  assert.ok(crop.left + crop.side <= 600);
  for (let step = 0; step < 40; step += 1) crop.resize(-1);
  assert.ok(crop.isSmallest);
  assert.deepEqual([crop.left, crop.top], [300, 0]);
});

test("the crop that is sent is always within the image", () => {
  const crop = new Crop({ width: 1, height: 5_000 });
  for (const step of [1, 1, 1, -1, 1]) {
    crop.resize(step);
    crop.move(0.3, -7);
    for (const share of crop.shares.split(" ")) assert.ok(share >= 0 && share <= 1, crop.shares);
  }
});
