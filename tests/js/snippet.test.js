// The part of a found message that is shown: the same in the browser and on the server's page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { snippet } from "../../static/js/state/snippet.js";

const GOLDEN = JSON.parse(readFileSync(new URL("../golden/snippets.json", import.meta.url), "utf8"));

for (const [number, { body, matches, pieces }] of GOLDEN.entries())
  test(`snippet ${number} shows the text around the first match in one line`, () => {
    assert.deepEqual(
      snippet(body, matches).map(({ text, isMatch }) => [text, isMatch]),
      pieces,
    );
  });
