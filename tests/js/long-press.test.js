import assert from "node:assert/strict";
import test from "node:test";
import { LongPress } from "../../static/js/state/long-press.js";
import { FakeClock } from "./helpers/clock.js";

function finger() {
  const clock = new FakeClock();
  const held = [];
  const press = new LongPress({ clock, onHold: (at) => held.push(at) });
  return { clock, held, press };
}

const AT = { x: 100, y: 200, target: "a message" };

test("a finger that stays for half a second opens the menu, once", async () => {
  const { clock, held, press } = finger();
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
    const { clock, held, press } = finger();
    press.start(AT);
    await clock.advance(300);
    what(press);
    await clock.advance(5_000);
    assert.deepEqual(held, []);
  }
  const { clock, held, press } = finger();
  press.start(AT);
  press.move({ x: 106, y: 206 });
  await clock.advance(500);
  assert.equal(held.length, 1);
});
