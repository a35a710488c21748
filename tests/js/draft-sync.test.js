import assert from "node:assert/strict";
import test from "node:test";
import { Store } from "../../static/js/net/store.js";
import { Drafts } from "../../static/js/state/drafts.js";
import { DraftSync } from "../../static/js/state/draft-sync.js";
import { Outbox } from "../../static/js/state/outbox.js";
import { FakeClock, fakeStorage } from "./helpers/clock.js";

const ROOM = "dm-open";

/** What the server holds for alice, and the devices that it tells. */
class Server {
  draft = "";
  devices = [];

  /** The device that set a draft is not told of it. */
  take({ type, body }, from) {
    this.draft = type === "draft.set" ? body : "";
    for (const device of this.devices) if (device !== from || type !== "draft.set") device.hear(this.draft);
  }
}

function device(clock, server, { storage = fakeStorage(), isOnline = true, isFocused = false, page } = {}) {
  const it = { clock, storage, sent: [], field: "", isFocused, isOnline };
  const { draft, askedAt } = page ?? { draft: server.draft, askedAt: clock.now() };
  const store = new Store({ storage, user: "u-alice" });
  let rows = [{ room: ROOM, draft }];
  let count = 0;
  const outbox = (it.outbox = new Outbox({
    clock,
    store,
    newId: () => `${(count += 1)}`,
    post: async () => ({}),
    send: (command) => {
      it.sent.push(command);
      queueMicrotask(() => (server.take(command, it), outbox.accepted(command.ref)));
      return true;
    },
  }));
  const drafts = new Drafts({ store, clock, tab: "t", onSaved: (room, draft) => sync.saved(room, draft) });
  const sync = new DraftSync({
    askedAt,
    drafts,
    outbox,
    store,
    clock,
    list: { rows, get: () => rows[0], put: (row) => (rows = [row]) },
    isTouched: () => it.isFocused,
    show: (_room, { text }) => (it.field = text),
  });
  it.sync = sync;
  it.hear = (draft) => {
    if (!it.isOnline) return;
    rows = [{ room: ROOM, draft }];
    sync.changed(ROOM);
  };
  it.type = (text) => ((it.field = text), drafts.set(ROOM, { text, caret: text.length }));
  it.send = () => {
    outbox.addMessage({ room: ROOM, body: it.field });
    it.field = "";
    drafts.clear(ROOM);
  };
  it.connect = () => {
    it.isOnline = true;
    outbox.setLive(true);
    it.hear(server.draft);
  };
  it.kept = () => drafts.get(ROOM)?.text ?? "";
  it.field = drafts.take(ROOM)?.text ?? "";
  sync.start();
  server.devices.push(it);
  outbox.setLive(isOnline);
  return it;
}

const bodies = ({ sent }) => sent.map(({ type, body }) => [type, body]);

test("what is typed on the laptop stands in the box of the phone, after a pause and once", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const laptop = device(clock, server);
  const phone = device(clock, server);
  laptop.type("see");
  await clock.advance(1_000);
  laptop.type("see you");
  await clock.advance(1_900);
  assert.deepEqual([laptop.sent, phone.field], [[], ""]);
  await clock.advance(100);
  assert.deepEqual([bodies(laptop), phone.field, phone.kept()], [[["draft.set", "see you"]], "see you", "see you"]);
  await clock.advance(60_000);
  assert.deepEqual(phone.sent, [], "what was taken over is not sent back");
});

test("a box that is in use is not written into; once it is left, it follows", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const laptop = device(clock, server);
  const phone = device(clock, server, { isFocused: true });
  laptop.type("see you");
  await clock.advance(2_000);
  assert.equal(phone.field, "");
  phone.isFocused = false;
  phone.sync.changed(ROOM);
  assert.equal(phone.field, "see you");
});

test("a page that opens with an empty box shows the draft of the other device, even with the caret in it", async () => {
  const clock = new FakeClock();
  const server = new Server();
  server.draft = "see you";
  const phone = device(clock, server, { isFocused: true });
  assert.deepEqual([phone.field, phone.sent], ["see you", []]);
});

test("sending clears it everywhere without a command of its own", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const laptop = device(clock, server);
  const phone = device(clock, server);
  laptop.type("see you");
  await clock.advance(2_000);
  laptop.send();
  await clock.advance(10_000);
  assert.deepEqual([bodies(laptop).map(([type]) => type), phone.field], [["draft.set", "message.send"], ""]);
  assert.equal(phone.kept(), "");
});

test("what became a message that still waits does not stand in the box again after a reload", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const laptop = device(clock, server);
  laptop.type("see you");
  await clock.advance(2_000);
  laptop.isOnline = false;
  laptop.outbox.setLive(false);
  laptop.send();
  const reloaded = device(clock, server, { storage: laptop.storage, isOnline: false });
  assert.deepEqual([server.draft, reloaded.field], ["see you", ""]);
  reloaded.connect();
  await clock.advance(10_000);
  assert.deepEqual([server.draft, reloaded.field], ["", ""]);
});

test("sent right after typing, no copy of the text is left behind", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const laptop = device(clock, server);
  laptop.type("see you");
  await clock.advance(700);
  laptop.send();
  await clock.advance(60_000);
  assert.deepEqual([bodies(laptop), server.draft], [[["message.send", "see you"]], ""]);
});

test("typed offline it is sent later, after the messages before it, and only its last state", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const laptop = device(clock, server, { isOnline: false });
  laptop.type("first");
  laptop.send();
  laptop.type("an");
  await clock.advance(5_000);
  laptop.type("and then");
  await clock.advance(5_000);
  laptop.connect();
  await clock.advance(5_000);
  assert.deepEqual(bodies(laptop), [
    ["message.send", "first"],
    ["draft.set", "and then"],
  ]);
  assert.deepEqual([server.draft, laptop.field], ["and then", "and then"]);
});

test("a page that was closed before the pause was over sends it when it opens again", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const before = device(clock, server);
  before.type("see you");
  await clock.advance(600);
  server.devices = [];
  const after = device(clock, server, { storage: before.storage });
  await clock.advance(0);
  assert.deepEqual([server.draft, after.field], ["see you", "see you"]);
});

test("another change of the row does not take the draft away from the device that typed it", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const laptop = device(clock, server);
  laptop.type("see you");
  await clock.advance(2_000);
  laptop.sync.changed(ROOM);
  assert.deepEqual([laptop.field, laptop.kept()], ["see you", "see you"]);
  server.take({ type: "draft.set", body: "" }, null);
  assert.deepEqual([laptop.field, laptop.kept()], ["", ""], "emptied on another device");
});

test("emptied here it is emptied there", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const laptop = device(clock, server);
  const phone = device(clock, server);
  laptop.type("see you");
  await clock.advance(2_000);
  laptop.type("  ");
  await clock.advance(2_000);
  assert.deepEqual([server.draft, phone.field], ["", ""]);
});

test("a text too long to be sent stays on this device, whole", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const laptop = device(clock, server);
  laptop.type("x".repeat(8_001));
  await clock.advance(10_000);
  assert.deepEqual([laptop.sent, laptop.kept().length], [[], 8_001]);
});

test("text from before drafts followed is told, and never removed by a server that knows none", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const storage = fakeStorage();
  new Store({ storage, user: "u-alice" }).set(`draft:${ROOM}`, { text: "old words", caret: 0, tab: "x" });
  const laptop = device(clock, server, { storage });
  await clock.advance(0);
  assert.deepEqual([server.draft, laptop.field], ["old words", "old words"]);
});

test("a page that was made before the server took the draft does not empty the box", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const before = device(clock, server);
  // The page is asked for, and made; only then the draft of the page before arrives, which is still there.
  await clock.advance(10);
  const page = { draft: server.draft, askedAt: clock.now() };
  before.type("Half a thought");
  before.sync.flush();
  await clock.advance(2_000);
  const after = device(clock, server, { storage: before.storage, page });
  assert.equal(after.field, "Half a thought");
  after.sync.changed(ROOM);
  assert.equal(after.kept(), "Half a thought");
});

test("a page that was made before the server took the message does not bring the draft back", async () => {
  const clock = new FakeClock();
  const server = new Server();
  const before = device(clock, server);
  before.type("Half a thought");
  await clock.advance(2_000);
  await clock.advance(10);
  const page = { draft: server.draft, askedAt: clock.now() };
  before.send();
  await clock.advance(2_000);
  assert.equal(server.draft, "");
  const after = device(clock, server, { storage: before.storage, page });
  after.sync.changed(ROOM);
  assert.equal(after.kept(), "");
});
