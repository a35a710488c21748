import assert from "node:assert/strict";
import test from "node:test";
import { Store } from "../../static/js/net/store.js";
import { recentEmoji, rememberEmoji } from "../../static/js/state/recent-emoji.js";
import { fakeStorage } from "./helpers/clock.js";

test("the emoji used last come first, each once, and common ones fill the bar", () => {
  const store = new Store({ storage: fakeStorage(), user: "u-alice" });
  assert.equal(recentEmoji(store).length, 6);
  for (const emoji of ["🎉", "🙏", "🎉"]) rememberEmoji(store, emoji);
  assert.deepEqual(recentEmoji(store), ["🎉", "🙏", "👍", "❤️", "😂", "😮"]);
  for (const emoji of "abcdefghijklmnopqrstuvwxyz") rememberEmoji(store, emoji);
  assert.equal(store.get("recent-emoji").length, 24);
});

test("without storage, or with a foreign value in it, there are the common ones", () => {
  const store = new Store({ storage: fakeStorage(), user: "u-alice" });
  store.set("recent-emoji", { not: "a list" });
  assert.equal(recentEmoji(store)[0], "👍");
  assert.equal(recentEmoji({ get: () => null })[0], "👍");
});
