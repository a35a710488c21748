// The emoji that may be a reaction are those that a browser knows as one picture each.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";

test("a browser knows the emoji of the server, but for those of the latest Unicode", () => {
  const list = readFileSync(new URL("../../conversations/protocol/emoji.txt", import.meta.url), "utf8");
  const lines = list.split("\n").filter((line) => !line.startsWith("# "));
  const emoji = lines.flatMap((line) => line.split(" ")).filter(Boolean);
  // The engine has a list of its own. Built by name, because older engines cannot read the flag.
  const isEmoji = new RegExp("^\\p{RGI_Emoji}$", "v");
  const unknown = emoji.filter((each) => !isEmoji.test(each));
  assert.ok(emoji.length > 3_900);
  assert.ok(unknown.length < 60, `unknown: ${unknown.join(" ")}`);
});
