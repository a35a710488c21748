import assert from "node:assert/strict";
import test from "node:test";

import { translator } from "../../static/js/lib/text.js";
import { Announcer } from "../../static/js/view/announcer.js";
import { drawBodiesWith, shownText } from "../../static/js/view/bodies.js";

const t = translator();
const voice = { kind: "voice", seconds: 24 };

test("a message in a line is its text; without one, once the words are loaded, its files", async () => {
  assert.equal(shownText({ body: "look", attachments: [voice] }, t), "look");
  assert.equal(shownText({ body: "", attachments: [voice] }, t), "");
  drawBodiesWith(await import("../../static/js/view/body-view.js"));
  assert.equal(shownText({ body: "*look*", attachments: [voice] }, t), "look");
  assert.equal(shownText({ body: "", attachments: [voice] }, t), "Voice message, 0:24");
  assert.equal(shownText({ attachments: [] }, t), "");
  assert.equal(shownText({}, t), "");
});

test("a screen reader hears of a voice message that arrives", () => {
  const said = [];
  const region = { append: ({ textContent }) => said.push(textContent), childElementCount: 1 };
  globalThis.document = {
    querySelector: () => null,
    getElementById: () => region,
    createElement: () => ({}),
  };
  new Announcer({ t, now: () => 0 }).message("Bob", { body: "", attachments: [voice] });
  assert.deepEqual(said, ["Bob: Voice message, 0:24"]);
});
