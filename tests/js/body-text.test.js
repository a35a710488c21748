import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { isBlank, sendable } from "../../static/js/lib/body-text.js";

const golden = JSON.parse(readFileSync(new URL("../protocol/blank.json", import.meta.url), "utf8"));
const hex = (text) => [...text].map((char) => `U+${char.codePointAt(0).toString(16)}`).join(" ");

test("what shows nothing is no message, here as on the server", () => {
  for (const text of golden.blank) assert.ok(isBlank(text), hex(text));
  for (const text of golden.visible) assert.ok(!isBlank(text), hex(text));
});

test("empty lines at the end are not sent; everything before them stays", () => {
  for (const [typed, sent] of golden.ends) assert.equal(sendable(typed), sent);
});
