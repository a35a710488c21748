import assert from "node:assert/strict";
import test from "node:test";
import { ConversationList } from "../../static/js/state/conversation-list.js";
import { ReadMarker } from "../../static/js/state/read-marker.js";
import { Receipts } from "../../static/js/state/receipts.js";
import { FakeClock } from "./helpers/clock.js";

function reader() {
  const clock = new FakeClock();
  const read = [];
  const marker = new ReadMarker({ clock, onRead: (seq) => read.push(seq) });
  marker.attention(true, { isReturn: false });
  return { clock, marker, read };
}

test("a message is read after half a second in view", async () => {
  const { clock, marker, read } = reader();
  marker.shows(4);
  await clock.advance(499);
  assert.deepEqual(read, []);
  await clock.advance(1);
  assert.deepEqual(read, [4]);
});

test("a message that was scrolled past was not read", async () => {
  const { clock, marker, read } = reader();
  marker.shows(9);
  await clock.advance(300);
  marker.shows(4);
  await clock.advance(5_000);
  assert.deepEqual(read, [4]);
});

test("only the highest number is reported, and it never decreases", async () => {
  const { clock, marker, read } = reader();
  marker.shows(4);
  marker.shows(6);
  await clock.advance(500);
  marker.shows(5);
  await clock.advance(5_000);
  assert.deepEqual(read, [6]);
});

test("nothing is read in a hidden tab; a second after the return it is", async () => {
  const { clock, marker, read } = reader();
  marker.attention(false);
  marker.shows(4);
  await clock.advance(60_000);
  assert.deepEqual(read, []);
  marker.attention(true);
  await clock.advance(999);
  assert.deepEqual(read, []);
  await clock.advance(1);
  assert.deepEqual(read, [4]);
});

test("an open page before an empty chair reads nothing, until a key is pressed", async () => {
  const { clock, marker, read } = reader();
  await clock.advance(120_001);
  marker.shows(4);
  await clock.advance(10_000);
  assert.deepEqual(read, []);
  marker.input();
  assert.deepEqual(read, [4]);
});

function told() {
  const clock = new FakeClock();
  const sent = [];
  const receipts = new Receipts({
    clock,
    send: (command) => Boolean(sent.push([command.room, command.delivered, command.read])),
  });
  receipts.setLive(true);
  return { clock, receipts, sent };
}

test("receipts are sent at most once a second per room, the highest only", async () => {
  const { clock, receipts, sent } = told();
  receipts.delivered("r", 1);
  await clock.advance(0);
  receipts.delivered("r", 2);
  receipts.read("r", 3);
  receipts.delivered("r", 3);
  await clock.advance(999);
  assert.deepEqual(sent, [["r", 1, undefined]]);
  await clock.advance(1);
  assert.deepEqual(sent, [
    ["r", 1, undefined],
    ["r", 3, 3],
  ]);
});

test("leaving the chat sends at once; an old number is not sent again", async () => {
  const { clock, receipts, sent } = told();
  receipts.read("r", 3);
  receipts.flush();
  receipts.read("r", 2);
  await clock.advance(5_000);
  assert.deepEqual(sent, [["r", 3, 3]]);
});

test("after a reconnect the last number is sent again, because the lost connection may have dropped it", async () => {
  const { clock, receipts, sent } = told();
  receipts.read("r", 3);
  await clock.advance(0);
  receipts.setLive(false);
  receipts.read("r", 5);
  receipts.setLive(true);
  assert.deepEqual(sent, [
    ["r", 3, 3],
    ["r", 5, 5],
  ]);
});

test("a receipt that a busy server refused is sent again, the newest number only", async () => {
  const { clock, receipts, sent } = told();
  receipts.read("r", 3);
  await clock.advance(0);
  receipts.resend("r");
  receipts.resend("unknown");
  assert.deepEqual(sent, [
    ["r", 3, 3],
    ["r", 3, 3],
  ]);
});

test("a server that knows no receipts is not asked again", async () => {
  const { clock, receipts, sent } = told();
  receipts.read("r", 3);
  await clock.advance(0);
  receipts.stop();
  receipts.read("r", 4);
  receipts.setLive(false);
  receipts.setLive(true);
  await clock.advance(5_000);
  assert.deepEqual(sent, [["r", 3, 3]]);
});

const row = (room, extra = {}) => ({
  room,
  peer: { id: "u-bob", name: "Bob" },
  head: 10,
  mark: 5,
  unread: 0,
  received: 4,
  read: 10,
  read_count: 4,
  peer_read: 0,
  peer_delivered: 0,
  last_message: null,
  activity: "2026-11-21T10:00:00.000Z",
  muted_until: null,
  archived: false,
  pinned: false,
  ...extra,
});
const news = (seq, ordinal, extra = {}) => ({
  seq,
  version: seq,
  id: `m${seq}`,
  sender: "u-bob",
  ordinal,
  body: "hi",
  created_at: "2026-11-21T11:00:00.000Z",
  ...extra,
});
const listed = (...rows) => {
  const list = new ConversationList({ me: "u-alice" });
  for (const each of rows) list.put(each);
  return list;
};

test("unread is the difference of two numbers: lost, doubled and reordered events change nothing", () => {
  const list = listed(row("r"));
  list.message("r", news(13, 7));
  list.message("r", news(11, 5));
  list.message("r", news(11, 5));
  assert.equal(list.get("r").unread, 3);
});

test("my own messages and edits of old ones never count", () => {
  const list = listed(row("r"));
  list.message("r", news(11, 9, { sender: "u-alice" }));
  list.message("r", news(4, 2, { version: 12 }));
  assert.equal(list.get("r").unread, 0);
});

test("reading on another device takes the number down here, and an old receipt does not bring it back", () => {
  const list = listed(row("r"));
  list.message("r", news(12, 6));
  list.receipt("r", { user: "u-alice", delivered: 12, read: 12, read_count: 6 });
  list.receipt("r", { user: "u-alice", delivered: 11, read: 11, read_count: 5 });
  assert.equal(list.get("r").unread, 0);
});

test("the peer's receipts move the ticks and no unread", () => {
  const list = listed(row("r"));
  list.receipt("r", { user: "u-bob", delivered: 9, read: 7 });
  assert.deepEqual([list.get("r").peer_delivered, list.get("r").peer_read, list.get("r").unread], [9, 7, 0]);
});

test("the newest activity stands first, pinned above all, archived nowhere", () => {
  const list = listed(
    row("old", { activity: "2026-11-20T10:00:00.000Z" }),
    row("new"),
    row("pinned", { pinned: true, activity: "2026-01-01T00:00:00.000Z" }),
    row("gone", { archived: true }),
  );
  list.message("old", news(11, 5));
  assert.deepEqual(
    list.rows.map(({ room }) => room),
    ["pinned", "old", "new"],
  );
});

test("an edit of the last message changes the preview and not the order", () => {
  const list = listed(row("a", { last_message: news(10, 4) }), row("b", { activity: "2026-11-21T12:00:00.000Z" }));
  list.message("a", news(10, 4, { version: 11, body: "edited" }));
  assert.equal(list.get("a").last_message.body, "edited");
  assert.deepEqual(
    list.rows.map(({ room }) => room),
    ["b", "a"],
  );
});

test("a row that was fetched before the newest events does not undo them", () => {
  const list = listed(row("r"));
  list.message("r", news(12, 6));
  list.receipt("r", { user: "u-bob", delivered: 9, read: 7 });
  list.put(row("r", { mark: 4, muted_until: "2030-01-01T00:00:00.000Z" }));
  const { unread, last_message: last, peer_read: read, muted_until: muted } = list.get("r");
  assert.deepEqual([unread, last.seq, read, muted], [2, 12, 7, null]);
});

test("muted chats and the chat on the screen are not in the total", () => {
  const list = listed(
    row("a", { received: 7 }),
    row("b", { received: 9, muted_until: "2030-01-01T00:00:00.000Z" }),
    row("c", { received: 9, muted_until: "2020-01-01T00:00:00.000Z" }),
  );
  assert.equal(list.total(Date.parse("2026-11-21T12:00:00Z")), 8);
  assert.equal(list.total(Date.parse("2026-11-21T12:00:00Z"), "a"), 5);
});
