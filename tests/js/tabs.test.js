import assert from "node:assert/strict";
import test from "node:test";
import { Tabs } from "../../static/js/net/tabs.js";

/** Channels of one browser: what one says, the others hear. */
function browser() {
  const channels = [];
  class Channel {
    constructor(name) {
      this.name = name;
      channels.push(this);
    }

    postMessage(data) {
      for (const other of channels) if (other !== this && other.name === this.name) other.onmessage({ data });
    }
  }
  return Channel;
}

test("tabs of one account hear each other, and those of another do not", () => {
  const BroadcastChannel = browser();
  const heard = [];
  const tab = (user, name) =>
    new Tabs({ user, BroadcastChannel, window: null, onMessage: (kind, data) => heard.push([name, kind, data.room]) });
  const first = tab("u-alice", "first");
  tab("u-alice", "second");
  tab("u-bob", "his");
  first.broadcast("draft", { room: "dm-open" });
  assert.deepEqual(heard, [["second", "draft", "dm-open"]]);
});

test("what another tab has kept is news once this tab's storage shows it", () => {
  const window = new EventTarget();
  const heard = [];
  new Tabs({ user: "u-alice", BroadcastChannel: null, window, onMessage: (kind) => heard.push(kind) });
  window.dispatchEvent(new Event("storage"));
  assert.deepEqual(heard, ["stored"]);
});

test("without locks and channels each tab works for itself", async () => {
  const alone = new Tabs({
    user: "u-alice",
    BroadcastChannel: null,
    locks: null,
    window: null,
    onMessage: () => assert.fail("no other tab is open"),
  });
  alone.broadcast("outbox");
  assert.equal(await alone.exclusive(async () => "sent"), "sent");
});
