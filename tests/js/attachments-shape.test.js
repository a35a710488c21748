import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { translator } from "../../static/js/lib/text.js";
import { beyondOf, boxOf, downloadOf, hasStill, layoutOf, waveOf } from "../../static/js/state/attachments-shape.js";
import { clockText, detailsOf, endingOf, isRisky, sizeText, words } from "../../static/js/state/attachments-words.js";

const golden = JSON.parse(readFileSync(new URL("../golden/files.json", import.meta.url), "utf8"));
const t = translator();

test("the box of a picture is the one that the server draws", () => {
  for (const [width, height, box] of golden.boxes) assert.deepEqual(boxOf({ width, height }), box);
});

test("sizes, lengths and names are said as the server says them", () => {
  for (const [size, text] of golden.sizes) assert.equal(sizeText(size, t), text);
  for (const [seconds, text] of golden.clocks) assert.equal(clockText(seconds), text);
  for (const [name, ending, risky] of golden.names) assert.deepEqual([endingOf(name), isRisky(name)], [ending, risky]);
});

test("a waveform has the bars that the server draws", () => {
  for (const [peaks, width, path] of golden.waves) assert.deepEqual(waveOf(peaks), { width, path });
});

test("of many pictures four are shown, and the last one says how many follow", () => {
  for (const [kinds, [layout, grid], beyond] of golden.grids) {
    const files = kinds.map((kind) => ({ kind }));
    assert.deepEqual(layoutOf(files), { layout, grid });
    assert.deepEqual(beyondOf(files), beyond);
  }
});

test("a message without a text is shown in words", () => {
  const picture = { kind: "picture" };
  assert.equal(words([picture], t), "Photo");
  assert.equal(words([picture, picture, picture], t), "3 photos");
  assert.equal(words([{ kind: "voice", seconds: 24.2 }], t), "Voice message, 0:24");
  assert.equal(words([{ kind: "voice" }], t), "Voice message");
  assert.equal(words([{ kind: "file", name: "map.pdf" }, picture], t), "map.pdf");
  assert.equal(words([], t), "");
  assert.equal(words(undefined, t), "");
  assert.equal(detailsOf({ name: "map.pdf", size: 1_500 }, t), "PDF · 1.5 kB");
  assert.equal(detailsOf({ name: "notes", size: 30 }, t), "30 B");
});

test("the address of a download keeps a name of any letters in one piece", () => {
  assert.equal(downloadOf({ id: "1", name: "a/b?c#d é.pdf" }), "/files/1/a%2Fb%3Fc%23d%20%C3%A9.pdf");
});

test("a video has a still only if its sender's browser has drawn one", () => {
  assert.deepEqual(
    [{ kind: "picture" }, { kind: "video" }, { kind: "video", placeholder: "data:" }, { kind: "voice" }].map(hasStill),
    [true, false, true, false],
  );
});
