import assert from "node:assert/strict";
import test from "node:test";
import { Api } from "../../static/js/net/api.js";
import { Poller } from "../../static/js/net/polling.js";
import { EventHandlers } from "../../static/js/state/event-handlers.js";
import { ConversationList } from "../../static/js/state/conversation-list.js";
import { Receipts } from "../../static/js/state/receipts.js";
import { RowRefresh } from "../../static/js/state/row-refresh.js";
import { Timeline } from "../../static/js/state/timeline.js";
import { FakeClock, settle } from "./helpers/clock.js";

const ROOM = "dm-open";
const OLD = "dm-old";
const SECOND = 1_000;

/**
 * A page whose sockets are all refused; and a server of two chats with Bob, one of them too old for the newest page of
 * the list.
 */
function page({ isVisible = () => true, random = () => 0.5 } = {}) {
  const clock = new FakeClock();
  const asked = [];
  const chats = new Map(
    [ROOM, OLD].map((room) => [
      room,
      {
        room,
        peer: { id: "u-bob", name: "Bob" },
        head: 0,
        mark: 0,
        received: 0,
        read_count: 0,
        read: 0,
        last_message: null,
        messages: [],
        hidden: [],
      },
    ]),
  );
  const state = { failure: null, held: null, learned: 0, arrived: [], ended: 0 };
  const message = (room, body) => {
    const chat = chats.get(room);
    const seq = (chat.head += 1);
    chat.last_message = {
      seq,
      version: seq,
      id: `${room}-${seq}`,
      sender: "u-bob",
      ordinal: (chat.received += 1),
      kind: "text",
      body,
      created_at: new Date(seq * 1_000).toISOString(),
      edited_at: null,
      deleted_at: null,
    };
    chat.messages.push(chat.last_message);
  };
  const row = (room) => {
    const { messages, hidden, ...rest } = chats.get(room);
    return structuredClone(rest);
  };
  const pagesOf = ({ rooms, marks }) =>
    Object.entries(rooms).map(([room, after]) => {
      const { messages, head, hidden, mark } = chats.get(room);
      const news = messages.filter(({ version }) => version > after);
      return {
        type: "sync.page",
        room,
        after,
        version: head,
        messages: news,
        receipts: [],
        more: false,
        reset: false,
        ...((marks[room] ?? 0) < mark ? { conversation: row(room), hidden, mark } : {}),
      };
    });
  const fetch = async (path, { method = "GET", body } = {}) => {
    asked.push(`${method} ${path.replace("/api/v1", "").replace("?limit=60", "")}`);
    if (state.failure)
      return { ok: false, status: state.failure.status, headers: { get: () => null }, json: async () => state.failure };
    const held = state.held;
    const answer = path.endsWith("/sync")
      ? { pages: pagesOf(JSON.parse(body)) }
      : { items: [row(ROOM)], unread_total: 0 };
    await held;
    return { ok: true, json: async () => answer };
  };
  const api = new Api({ fetch, csrf: () => "token" });
  let polling = null;
  const send = (command) => Boolean(polling?.send(command));
  const list = new ConversationList({ me: "u-alice" });
  const receipts = new Receipts({ clock, send });
  const rows = new RowRefresh({
    load: (rooms) => api.conversations(rooms),
    clock,
    learn: ({ items }) => handlers.applyRows(items),
    random,
  });
  const outbox = { accepted: () => null, settle() {}, get: () => null };
  const on = { changed() {}, caughtUp() {}, restored() {}, arrived: (room, { body }) => state.arrived.push(body) };
  const handlers = new EventHandlers({
    me: "u-alice",
    list,
    outbox,
    receipts,
    send,
    refresh: (run) => run(rows),
    clock,
    random,
    on,
  });
  polling = new Poller({
    api,
    clock,
    isVisible,
    revision: () => list.unreadRevision,
    learn: ({ items, unread_total: total }) => ((state.learned += 1), handlers.receivePolled(items, total)),
    onEvent: (event) => handlers.handle(event),
    ended: () => (state.ended += 1),
    random,
  });
  const open = (room) => {
    const timeline = new Timeline();
    timeline.load([...chats.get(room).messages], chats.get(room).head, { complete: true });
    list.put(row(room));
    handlers.openTimeline({ room, timeline, mark: chats.get(room).mark });
    return () => timeline.messages.map(({ body }) => body);
  };
  return {
    clock,
    asked,
    chats,
    state,
    message,
    polling,
    handlers,
    list,
    receipts,
    open,
    polls: () => asked.filter((call) => call === "GET /conversations").length,
  };
}

test("without a socket a message arrives within ten seconds; an idle page makes one request an interval", async () => {
  const p = page();
  const bodies = p.open(ROOM);
  p.polling.setActive(true);
  await p.clock.advance(30 * SECOND);
  assert.ok(p.asked.length >= 4 && p.asked.length <= 6, p.asked.join());
  assert.deepEqual(new Set(p.asked), new Set(["GET /conversations"]));
  p.message(ROOM, "are you there?");
  await p.clock.advance(10 * SECOND);
  assert.deepEqual([bodies(), p.state.arrived], [["are you there?"], ["are you there?"]]);
  assert.equal(p.asked.filter((call) => call === "POST /sync").length, 1);
});

test("an open chat that is not among the newest is asked for, too", async () => {
  const p = page();
  const bodies = p.open(OLD);
  p.polling.setActive(true);
  p.message(OLD, "after a year");
  await p.clock.advance(3 * SECOND);
  assert.deepEqual(bodies(), ["after a year"]);
});

test("no two pages ask in step: the pause is drawn between five and ten seconds", async () => {
  for (const [drawn, ms] of [
    [0, 5 * SECOND],
    [0.999, 9_995],
  ]) {
    const p = page({ random: () => drawn });
    p.polling.setActive(true);
    while (!p.polls()) await p.clock.advance(10);
    await p.clock.advance(ms - 20);
    assert.equal(p.polls(), 1);
    await p.clock.advance(SECOND + 20);
    assert.equal(p.polls(), 2);
  }
});

test("a hidden page polls nothing; shown again it polls at once, but at most once an interval", async () => {
  let visible = false;
  const p = page({ isVisible: () => visible });
  const bodies = p.open(ROOM);
  p.polling.setActive(true);
  p.message(ROOM, "unseen");
  p.handlers.openTimeline({ room: OLD, timeline: new Timeline(), mark: 0 });
  p.handlers.handle({ type: "heads", epoch: "1", rooms: { [ROOM]: 1 }, marks: {} });
  await p.clock.advance(120 * SECOND);
  assert.deepEqual(p.asked, []);
  visible = true;
  p.polling.schedule();
  await p.clock.advance(SECOND);
  assert.deepEqual(bodies(), ["unseen"]);
  for (let n = 0; n < 40; n += 1) {
    visible = !visible;
    p.polling.schedule();
    await p.clock.advance(100);
  }
  assert.equal(p.polls(), 1);
});

test("a socket that opens ends it, also while an answer is on its way", async () => {
  const p = page();
  p.open(ROOM);
  p.polling.setActive(true);
  await p.clock.advance(20 * SECOND);
  let answer = null;
  p.state.held = new Promise((done) => (answer = done));
  await p.clock.advance(10 * SECOND);
  const before = p.asked.length;
  p.polling.setActive(false);
  const learned = p.state.learned;
  answer();
  await p.clock.advance(60 * SECOND);
  assert.equal(p.asked.length, before);
  assert.equal(p.state.learned, learned, "the socket knows more");
  assert.equal(
    p.polling.send({ type: "sync", rooms: { [ROOM]: 0 } }),
    false,
    "what the socket did not take is the socket's again",
  );
});

test("a server that fails is polled less and less often, and as late as it says; then all arrives", async () => {
  const p = page({ random: () => 0.999 });
  const bodies = p.open(ROOM);
  p.state.failure = { status: 503, code: "busy", retry_after_ms: 0 };
  p.polling.setActive(true);
  await p.clock.advance(300 * SECOND);
  assert.ok(p.polls() >= 10 && p.polls() <= 17, String(p.polls()));
  const before = p.polls();
  p.state.failure = { status: 429, code: "rate_limited", retry_after_ms: 120 * SECOND };
  await p.clock.advance(140 * SECOND);
  assert.ok(p.polls() - before <= 2);
  p.message(ROOM, "late");
  p.state.failure = null;
  await p.clock.advance(130 * SECOND);
  assert.deepEqual(bodies(), ["late"]);
});

test("a socket that is back within a moment, as after a restart, spares the server the request", async () => {
  const p = page();
  p.polling.setActive(true);
  await p.clock.advance(2 * SECOND);
  p.polling.setActive(false);
  await p.clock.advance(60 * SECOND);
  assert.deepEqual(p.asked, []);
});

test("a page of messages that could not be had is asked for again, with a pause", async () => {
  const p = page();
  const bodies = p.open(ROOM);
  p.polling.setActive(true);
  await p.clock.advance(SECOND);
  p.message(ROOM, "now");
  p.state.failure = { status: 503, code: "busy" };
  p.handlers.handle({ type: "heads", epoch: "1", rooms: { [ROOM]: 1 }, marks: {} });
  await p.clock.advance(4 * SECOND);
  assert.equal(p.asked.filter((call) => call === "POST /sync").length, 1);
  p.state.failure = null;
  await p.clock.advance(20 * SECOND);
  assert.deepEqual(bodies(), ["now"]);
});

test("an ended session stops the polling, and is reported once", async () => {
  const p = page();
  p.open(ROOM);
  p.state.failure = { status: 401, code: "unauthenticated" };
  p.polling.setActive(true);
  await p.clock.advance(120 * SECOND);
  assert.deepEqual([p.polls(), p.state.ended], [1, 1]);
});

test("what was read goes the same way, and again when it failed", async () => {
  const p = page();
  p.open(ROOM);
  p.message(ROOM, "hello");
  p.polling.setActive(true);
  p.receipts.setLive(true);
  p.state.failure = { status: 503, code: "busy" };
  p.receipts.read(ROOM, 1);
  await p.clock.advance(SECOND);
  const receipts = () => p.asked.filter((call) => call === `PUT /conversations/${ROOM}/receipt`).length;
  assert.equal(receipts(), 1);
  p.state.failure = null;
  await p.clock.advance(10 * SECOND);
  assert.equal(receipts(), 2);
});

test("typing and presence are the business of sockets", () => {
  const p = page();
  p.polling.setActive(true);
  for (const type of ["typing.set", "room.open", "ping", "message.send"])
    assert.equal(p.polling.send({ type }), false, type);
});

test("a fetched row that is further never hides what was deleted for me on another device", async () => {
  const p = page();
  p.message(ROOM, "gone on the phone");
  p.open(ROOM);
  p.polling.setActive(true);
  const chat = p.chats.get(ROOM);
  chat.mark = 1;
  chat.hidden = [1];
  p.handlers.applyRows([{ ...chat }]);
  await settle();
  assert.equal(p.asked.filter((call) => call === "POST /sync").length, 1);
});

test("what no answer came to is a failure like another", async () => {
  const p = page();
  p.open(ROOM);
  p.state.failure = { status: 0, code: "no_answer" };
  p.polling.setActive(true);
  await p.clock.advance(2 * SECOND);
  p.state.failure = null;
  p.message(ROOM, "back");
  await p.clock.advance(20 * SECOND);
  assert.deepEqual(p.state.arrived, ["back"]);
});
