import assert from "node:assert/strict";
import test from "node:test";

import { translator } from "../../static/js/lib/text.js";
import { factsOf } from "../../static/js/state/attachments-words.js";
import { quoteOf } from "../../static/js/state/timeline.js";
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

test("a quote has the picture of what it answers, unless that has none or is gone", () => {
  const message = { seq: 1, sender: "bob", kind: "text", body: "" };
  const picture = { id: "a", kind: "picture", placeholder: "data:" };
  assert.equal(quoteOf({ ...message, attachments: [picture, voice] }).picture, "a");
  for (const attachments of [[voice, picture], [], undefined, null])
    assert.equal(quoteOf({ ...message, attachments }).picture, undefined);
  assert.equal(quoteOf({ ...message, attachments: [], deleted_at: "2026" }).picture, undefined);
});

test("the info of a message says what is known of its files", () => {
  const facts = (file) => factsOf({ size: 1_500, ...file }, t);
  assert.equal(
    facts({ kind: "picture", name: "a.jpg", width: 640, height: 420 }),
    "Photo · 640 × 420 · JPG · 1.5 kB",
  );
  assert.equal(facts({ kind: "voice", name: "v.webm", seconds: 24 }), "Voice message · 0:24 · WEBM · 1.5 kB");
  assert.equal(facts({ kind: "file", name: "notes" }), "1.5 kB");
});
