import assert from "node:assert/strict";
import test from "node:test";
import { Emitter } from "../../static/js/lib/emitter.js";

test("every listener gets the event, also when one of them throws", () => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  const events = new Emitter();
  const received = [];
  events.on("change", (room) => received.push(["first", room]));
  events.on("change", () => {
    throw new Error("broken part");
  });
  events.on("change", (room) => received.push(["last", room]));
  events.emit("change", "r");
  delete globalThis.reportError;
  assert.deepEqual(
    [received, reported],
    [
      [
        ["first", "r"],
        ["last", "r"],
      ],
      ["broken part"],
    ],
  );
});

test("an event is taken over when a listener returns true, and only then", () => {
  const events = new Emitter();
  assert.equal(events.emit("command"), false, "nothing has subscribed yet");
  events.on("command", () => 1);
  assert.equal(events.emit("command"), false);
  events.on("command", () => true);
  assert.equal(events.emit("command"), true);
});
