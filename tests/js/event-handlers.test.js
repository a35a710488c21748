import assert from "node:assert/strict";
import test from "node:test";
import { EventHandlers } from "../../static/js/state/event-handlers.js";
import { ConversationList } from "../../static/js/state/conversation-list.js";
import { Outbox } from "../../static/js/state/outbox.js";
import { Receipts } from "../../static/js/state/receipts.js";
import { RowRefresh } from "../../static/js/state/row-refresh.js";
import { Timeline } from "../../static/js/state/timeline.js";
import { Store } from "../../static/js/net/store.js";
import { FakeClock, fakeStorage, seeded, settle } from "./helpers/clock.js";

const ALICE = "u-alice";
const BOB = "u-bob";
const ROOM = "dm-open";

/** The log of one conversation, and the answers of a server that keeps the contract. */
class Server {
  messages = new Map();
  head = 0;
  mark = 0;
  received = 0;
  readCount = 0;

  create(sender, id = `id-${this.head + 1}`, body = `born ${this.head + 1}`) {
    const seq = (this.head += 1);
    const ordinal = sender === BOB ? (this.received += 1) : 0;
    const message = {
      seq,
      version: seq,
      id,
      sender,
      ordinal,
      kind: "text",
      body,
      created_at: new Date(seq * 1_000).toISOString(),
      edited_at: null,
      deleted_at: null,
    };
    this.messages.set(seq, message);
    return { type: "message.created", room: ROOM, message };
  }

  change(seq) {
    const version = (this.head += 1);
    const message = { ...this.messages.get(seq), version, body: `changed ${version}` };
    this.messages.set(seq, message);
    return { type: "message.changed", room: ROOM, message };
  }

  read() {
    this.mark += 1;
    this.readCount = this.received;
    return {
      type: "receipt.advanced",
      room: ROOM,
      user: ALICE,
      delivered: this.head,
      read: this.head,
      read_count: this.readCount,
      mark: this.mark,
    };
  }

  row() {
    const newest = [...this.messages.values()].at(-1) ?? null;
    return {
      room: ROOM,
      peer: { id: BOB, name: "Bob" },
      head: this.head,
      mark: this.mark,
      received: this.received,
      read_count: this.readCount,
      read: 0,
      peer_read: 0,
      peer_delivered: 0,
      last_message: newest,
      activity: newest?.created_at ?? null,
    };
  }

  page({ rooms, marks = {} }, size) {
    const after = rooms[ROOM];
    const changed = [...this.messages.values()]
      .filter((message) => message.version > after)
      .sort((a, b) => a.version - b.version);
    const messages = changed.slice(0, size);
    const more = changed.length > messages.length;
    const isMarkBehind = (marks[ROOM] ?? 0) < this.mark;
    return {
      type: "sync.page",
      room: ROOM,
      after,
      version: more ? messages.at(-1).version : this.head,
      messages,
      receipts: [],
      more,
      reset: after > this.head,
      ...(isMarkBehind ? { conversation: this.row(), hidden: [], mark: this.mark } : {}),
    };
  }

  history(before, size) {
    return [...this.messages.values()].filter((message) => message.seq < before).slice(-size);
  }
}

function client({ server = new Server(), open = true, loadRows = async () => ({ items: [server.row()] }) } = {}) {
  const clock = new FakeClock();
  const sent = [];
  let typed = 0;
  const seen = { caughtUp: 0, arrived: [], restored: 0 };
  const send = (command) => Boolean(sent.push(command));
  const list = new ConversationList({ me: ALICE });
  const outbox = new Outbox({
    clock,
    send,
    post: async () => ({}),
    newId: () => `mine-${(typed += 1)}`,
    store: new Store({ storage: fakeStorage(), user: ALICE }),
  });
  const receipts = new Receipts({ clock, send });
  const on = {
    changed() {},
    arrived: (room, message) => seen.arrived.push(message.seq),
    caughtUp: () => (seen.caughtUp += 1),
    restored: () => (seen.restored += 1),
  };
  const learn = ({ items, unread_total: total = null }, { isWhole, isExact }) =>
    handlers.applyRows(items, { isWhole, total: isExact ? total : null });
  const rows = new RowRefresh({ load: loadRows, clock, learn, revision: () => list.unreadRevision, random: () => 0.5 });
  const handlers = new EventHandlers({
    me: ALICE,
    list,
    outbox,
    receipts,
    send,
    refresh: (run) => run(rows),
    clock,
    random: () => 0.5,
    on,
  });
  const timeline = new Timeline();
  list.loaded = true;
  if (open) {
    timeline.load([...server.messages.values()], server.head, { complete: true });
    list.put(server.row());
    handlers.openTimeline({ room: ROOM, timeline, mark: server.mark });
  } else handlers.applyRows([server.row()], { isWhole: true });
  const greet = (extra = {}) =>
    handlers.handle({
      type: "connection_established",
      epoch: "1",
      user: {},
      rooms: { [ROOM]: server.head },
      marks: { [ROOM]: server.mark },
      ...extra,
    });
  const syncs = () => sent.filter((command) => command.type === "sync" && ROOM in command.rooms);
  return { server, clock, sent, seen, list, outbox, receipts, handlers, timeline, greet, syncs };
}

const truth = (server) => [...server.messages.values()].map(({ seq, version, body }) => [seq, version, body]);
const held = (timeline) => timeline.messages.map(({ seq, version, body }) => [seq, version, body]);

test("nothing missed: live at once, and nothing asked", () => {
  const c = client();
  c.greet();
  assert.deepEqual([c.seen.caughtUp, c.syncs().length], [1, 0]);
});

test("what was missed is asked for after the greeting, page by page, and only then the chat is live", () => {
  const c = client();
  for (let n = 0; n < 5; n += 1) c.server.create(BOB);
  c.greet();
  for (let n = 0; c.seen.caughtUp === 0 && n < 10; n += 1) c.handlers.handle(c.server.page(c.syncs().at(-1), 2));
  assert.deepEqual(
    c.syncs().map((command) => command.rooms[ROOM]),
    [0, 2, 4],
  );
  assert.deepEqual(held(c.timeline), truth(c.server));
  assert.deepEqual(c.seen.arrived, [1, 2, 3, 4, 5]);
});

test("an open room that is not among the hundred of the greeting is asked for all the same", () => {
  const c = client();
  c.greet({ rooms: {}, marks: {} });
  assert.equal(c.syncs().length, 1);
});

test("a lost event is noticed by the next one, a lost last one by heads", () => {
  const c = client();
  c.greet();
  c.server.create(BOB);
  c.handlers.handle(c.server.create(BOB));
  assert.equal(c.syncs().length, 1);
  c.handlers.handle(c.server.page(c.syncs().at(-1), 50));
  c.server.create(BOB);
  c.handlers.handle({ type: "heads", epoch: "1", rooms: { [ROOM]: c.server.head }, marks: {} });
  c.handlers.handle(c.server.page(c.syncs().at(-1), 50));
  assert.deepEqual(held(c.timeline), truth(c.server));
});

test("a hole is asked for once, however many events come behind it, and again after ten silent seconds", async () => {
  const c = client();
  c.greet();
  c.server.create(BOB);
  for (let n = 0; n < 5; n += 1) c.handlers.handle(c.server.create(BOB));
  assert.equal(c.syncs().length, 1);
  await c.clock.advance(10_000);
  c.handlers.handle(c.server.create(BOB));
  assert.equal(c.syncs().length, 2);
});

test("a hole that an answer fills only in part is asked for again, from where the answer ended", () => {
  const c = client();
  c.greet();
  for (let n = 0; n < 3; n += 1) c.server.create(BOB);
  const early = c.server.page({ rooms: { [ROOM]: 0 } }, 50);
  c.server.create(BOB);
  c.handlers.handle(c.server.create(BOB));
  c.handlers.handle(early);
  assert.deepEqual(
    c.syncs().map((command) => command.rooms[ROOM]),
    [0, 3],
  );
});

test("a server that knows less than this page, after a restored backup, is asked and believed", () => {
  const c = client();
  for (let n = 0; n < 4; n += 1) c.handlers.handle(c.server.create(BOB));
  const restored = new Server();
  restored.create(BOB, "id-1", "born again");
  c.handlers.handle({
    type: "connection_established",
    epoch: "1",
    user: {},
    rooms: { [ROOM]: 1 },
    marks: { [ROOM]: 0 },
  });
  c.handlers.handle({ ...restored.page({ rooms: { [ROOM]: 0 } }, 50), after: 4, reset: true });
  assert.deepEqual(held(c.timeline), truth(restored));
  c.handlers.handle(restored.create(BOB));
  assert.equal(c.timeline.cursor, 2);
});

test("a hole that the server cannot fill is not asked for ever", () => {
  const c = client();
  c.greet();
  const { message } = c.server.create(BOB);
  c.server.messages.clear();
  c.server.head = 0;
  c.handlers.handle({ type: "message.created", room: ROOM, message: { ...message, version: 9 } });
  for (let n = 0; n < 5; n += 1)
    c.handlers.handle({
      type: "sync.page",
      room: ROOM,
      after: 0,
      version: 0,
      messages: [],
      receipts: [],
      more: false,
      reset: false,
    });
  assert.equal(c.syncs().length, 1);
});

test("a mark ahead of mine asks too: another device has read", () => {
  const c = client();
  c.server.create(BOB);
  const fresh = client({ server: c.server });
  c.server.read();
  c.server.read();
  fresh.handlers.handle({ type: "heads", epoch: "1", rooms: {}, marks: { [ROOM]: c.server.mark } });
  fresh.handlers.handle(c.server.page(fresh.syncs().at(-1), 50));
  assert.equal(fresh.list.get(ROOM).unread, 0);
  fresh.handlers.handle({ type: "heads", epoch: "1", rooms: {}, marks: { [ROOM]: c.server.mark } });
  assert.equal(fresh.syncs().length, 1);
});

test("my message is there once, whichever of reply and event comes first, in whatever order", () => {
  for (const order of [
    ["reply", "event"],
    ["event", "reply"],
    ["reply"],
    ["event"],
    ["event", "reply", "event", "reply"],
  ]) {
    const c = client();
    c.greet();
    c.outbox.setLive(true);
    const entry = c.outbox.addMessage({ room: ROOM, body: "hello" });
    const event = c.server.create(ALICE, entry.id, "hello");
    const { seq, version, created_at } = event.message;
    const frames = {
      event,
      reply: { type: "message.accepted", room: ROOM, id: entry.id, seq, version, created_at, duplicate: false },
    };
    for (const name of order) c.handlers.handle(frames[name]);
    assert.deepEqual(
      c.timeline.messages.map(({ id }) => id),
      [entry.id],
      order.join(),
    );
    assert.deepEqual(c.outbox.entries(ROOM), [], order.join());
    assert.deepEqual(c.seen.arrived, [], "my own words are no news");
  }
});

test("my message accepted behind a hole stays in sight until the hole is filled", () => {
  const c = client();
  c.greet();
  c.outbox.setLive(true);
  const entry = c.outbox.addMessage({ room: ROOM, body: "hello" });
  c.server.create(BOB);
  const { message } = c.server.create(ALICE, entry.id, "hello");
  c.handlers.handle({
    type: "message.accepted",
    room: ROOM,
    id: entry.id,
    seq: 2,
    version: 2,
    created_at: message.created_at,
    duplicate: false,
  });
  assert.deepEqual(
    c.outbox.entries(ROOM).map(({ state }) => state),
    ["accepted"],
  );
  c.handlers.handle(c.server.page(c.syncs().at(-1), 50));
  assert.deepEqual([c.outbox.entries(ROOM), held(c.timeline)], [[], truth(c.server)]);
});

test("a refusal finds its message by id or by ref", () => {
  for (const name of ["id", "ref"]) {
    const c = client();
    c.outbox.setLive(true);
    const entry = c.outbox.addMessage({ room: ROOM, body: "hello" });
    c.handlers.handle({ type: "error", code: "cannot_deliver", retryable: false, [name]: entry.id });
    assert.equal(entry.state, "failed");
  }
});

test("another epoch means a restored backup: the page starts over, and what was not sent yet is kept", () => {
  const c = client();
  c.greet();
  c.outbox.addMessage({ room: ROOM, body: "not sent yet" });
  c.greet({ epoch: "2" });
  assert.equal(c.seen.restored, 1);
  assert.deepEqual(
    c.outbox.entries(ROOM).map(({ state, command }) => [state, command.body]),
    [["pending", "not sent yet"]],
  );
});

test("a message of a chat that this page does not know brings its row", async () => {
  const rooms = [];
  const c = client({ open: false, loadRows: async (asked) => (rooms.push(asked), { items: [] }) });
  c.greet();
  c.handlers.handle({
    type: "message.created",
    room: "dm-new",
    message: { ...c.server.create(BOB).message, seq: 1, version: 1 },
  });
  await c.clock.advance(200);
  assert.deepEqual(rooms, [["dm-new"]]);
});

test("what arrived while no page was open is delivered when the list is read", () => {
  const server = new Server();
  server.create(BOB);
  server.create(BOB);
  const c = client({ server, open: false });
  c.receipts.setLive(true);
  assert.deepEqual(
    c.sent.map(({ type, delivered, read }) => [type, delivered, read]),
    [["receipt.set", 2, undefined]],
  );
});

test("a chat that is kept behind another one gets everything, and both are asked for after an absence", () => {
  const c = client();
  const other = new Timeline();
  c.handlers.openTimeline({ room: "dm-other", timeline: other });
  c.greet();
  c.handlers.handle(c.server.create(BOB));
  assert.deepEqual(held(c.timeline), truth(c.server));
  c.server.create(BOB);
  c.handlers.connectionLost();
  const from = c.sent.length;
  c.greet({ rooms: { [ROOM]: c.server.head, "dm-other": 3 } });
  const asked = c.sent
    .slice(from)
    .filter(({ type }) => type === "sync")
    .flatMap(({ rooms }) => Object.keys(rooms));
  assert.deepEqual(asked.sort(), [ROOM, "dm-other"].sort());
  const before = c.seen.caughtUp;
  c.handlers.handle(c.server.page(c.syncs().at(-1), 50));
  assert.equal(c.seen.caughtUp, before, "one of the two has not answered");
  c.handlers.handle({
    type: "sync.page",
    room: "dm-other",
    after: 0,
    version: 3,
    messages: [],
    receipts: [],
    more: false,
    reset: false,
  });
  assert.equal(c.seen.caughtUp, before + 1);
  assert.deepEqual(held(c.timeline), truth(c.server));
});

test("what came between the drawing of a page and its arrival is asked for", () => {
  const c = client({ open: false });
  c.greet();
  const timeline = new Timeline();
  timeline.load([], 0, { complete: true });
  c.handlers.handle(c.server.create(BOB));
  c.handlers.openTimeline({ room: ROOM, timeline, mark: 0 });
  assert.deepEqual(
    c.syncs().map((command) => command.rooms[ROOM]),
    [0],
  );
  c.handlers.handle(c.server.create(BOB));
  c.handlers.handle(c.server.page(c.syncs().at(-1), 50));
  assert.deepEqual(held(timeline), truth(c.server));
});

test("a mark that moved between the drawing of a page and its arrival is asked for, too", () => {
  const c = client({ open: false });
  c.greet();
  c.server.create(BOB);
  c.handlers.handle({ type: "message.created", room: ROOM, message: c.server.messages.get(1) });
  c.handlers.handle(c.server.read());
  const timeline = new Timeline();
  timeline.load([...c.server.messages.values()], 1, { complete: true });
  c.handlers.openTimeline({ room: ROOM, timeline, mark: 0 });
  assert.deepEqual(
    c.syncs().map((command) => [command.rooms[ROOM], command.marks[ROOM]]),
    [[1, 0]],
  );
});

test("what another device has read meanwhile is there, and is no news", () => {
  const c = client();
  for (let n = 0; n < 2; n += 1) c.server.create(BOB);
  const page = { ...c.server.row(), read: 2, read_count: 2, mark: 1 };
  c.server.create(BOB);
  c.server.mark = 1;
  c.greet();
  c.handlers.handle({
    ...c.server.page(c.syncs().at(-1), 50),
    conversation: { ...page, head: 3, received: 3 },
    hidden: [],
    mark: 1,
  });
  assert.deepEqual(held(c.timeline), truth(c.server));
  assert.deepEqual(c.seen.arrived, [3]);
});

test("catching up does not wait for a chat that was closed or refused", () => {
  for (const end of [
    (c) => c.handlers.closeTimeline(ROOM),
    (c) => c.handlers.handle({ type: "error", ref: `sync:${ROOM}`, code: "not_found", retryable: false }),
  ]) {
    const c = client();
    c.server.create(BOB);
    c.greet();
    assert.equal(c.seen.caughtUp, 0);
    end(c);
    assert.equal(c.seen.caughtUp, 1);
  }
});

test("a chat that is closed and opened again syncs again, although the first answer was dropped", () => {
  const c = client();
  c.greet();
  c.server.create(BOB);
  c.handlers.handle(c.server.create(BOB));
  const answer = c.server.page(c.syncs().at(-1), 50);
  c.handlers.closeTimeline(ROOM);
  c.handlers.handle(answer);
  const timeline = new Timeline();
  timeline.load([], 0, { complete: true });
  c.handlers.handle(c.server.create(BOB));
  c.list.put(c.server.row());
  c.handlers.openTimeline({ room: ROOM, timeline, mark: 0 });
  c.handlers.applyRows([c.server.row()]);
  assert.equal(c.syncs().length, 2);
  c.handlers.handle(c.server.page(c.syncs().at(-1), 50));
  assert.deepEqual(held(timeline), truth(c.server));
});

test("a chat that is let go is a row again", async () => {
  const rooms = [];
  const c = client({ loadRows: async (asked) => (rooms.push(asked), { items: [] }) });
  c.greet();
  c.handlers.closeTimeline(ROOM);
  c.server.create(BOB);
  c.handlers.handle(c.server.create(BOB));
  await c.clock.advance(200);
  assert.deepEqual([c.syncs().length, rooms], [0, [[ROOM]]]);
});

test("whatever is lost, doubled, delayed or reordered: after one answer the page is the log", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = seeded(seed);
    const pick = (count) => Math.floor(random() * count);
    const server = new Server();
    for (let n = pick(8); n > 0; n -= 1) server.create(random() < 0.5 ? ALICE : BOB);
    const c = client({ server });
    if (random() < 0.5) c.timeline.load(server.history(server.head + 1, 3), server.head);
    const oldPages = [];
    const flight = [];
    let answered = 0;
    c.greet();
    for (let step = 0; step < 60; step += 1) {
      const kind = random();
      const event =
        kind < 0.6 || !server.head
          ? server.create(random() < 0.5 ? ALICE : BOB)
          : kind < 0.85
            ? server.change([...server.messages.keys()][pick(server.messages.size)])
            : server.read();
      for (let copies = pick(3); copies > 0; copies -= 1) flight.splice(pick(flight.length + 1), 0, event);
      while (answered < c.syncs().length) {
        const page = server.page(c.syncs()[answered++], 1 + pick(4));
        if (random() < 0.8) flight.splice(pick(flight.length + 1), 0, page);
      }
      if (random() < 0.2 && c.timeline.oldest > 1) oldPages.push(server.history(c.timeline.oldest, 1 + pick(4)));
      if (random() < 0.3 && oldPages.length) {
        const page = oldPages.shift();
        if (page.at(-1)?.seq === c.timeline.oldest - 1) c.timeline.prepend(page);
      }
      for (let frames = pick(4); frames > 0 && flight.length; frames -= 1) c.handlers.handle(flight.shift());
      if (random() < 0.05) c.handlers.connectionLost();
    }
    c.handlers.connectionLost();
    answered = c.syncs().length;
    c.greet();
    for (let n = 0; answered < c.syncs().length && n < 200; n += 1)
      c.handlers.handle(server.page(c.syncs()[answered++], 3));
    const oldest = c.timeline.oldest ?? 1;
    assert.deepEqual(
      held(c.timeline),
      truth(server).filter(([seq]) => seq >= oldest),
      `seed ${seed}`,
    );
    assert.equal(c.timeline.cursor, server.head, `seed ${seed}`);
    assert.equal(c.list.get(ROOM).unread, server.received - server.readCount, `seed ${seed}: unread`);
  }
});

test("a long talk ends with nothing on its way", async () => {
  const c = client();
  c.greet();
  c.outbox.setLive(true);
  for (let n = 0; n < 20; n += 1) c.outbox.addMessage({ room: ROOM, body: `line ${n}` });
  const sends = () => c.sent.filter((command) => command.type === "message.send");
  for (let n = 0; n < 20; n += 1) {
    const { id, body } = sends()[n];
    c.handlers.handle(c.server.create(ALICE, id, body));
    await settle();
  }
  assert.deepEqual(
    c.timeline.messages.map(({ body }) => body),
    Array.from({ length: 20 }, (_, n) => `line ${n}`),
  );
  assert.equal(sends().length, 20);
});

test("an old message of mine that the server had all along settles in its place, and not as the newest one", () => {
  for (const over of ["socket", "http"]) {
    const server = new Server();
    const stored = ["one", "two"].map((body, n) => server.create(ALICE, `mine-${n + 1}`, body));
    for (let n = 0; n < 70; n += 1) server.create(BOB);
    const c = client({ server });
    c.timeline.load(server.history(server.head + 1, 50), server.head);
    c.greet();
    c.outbox.setLive(true);
    const { id } = c.outbox.addMessage({ room: ROOM, body: "one" });
    const { seq, version, created_at } = stored[0].message;
    if (over === "http") c.handlers.receivePosted(ROOM, stored[0].message);
    else c.handlers.handle({ type: "message.accepted", room: ROOM, id, seq, version, created_at, duplicate: true });
    assert.deepEqual([c.outbox.entries(ROOM), c.timeline.has(id)], [[], false], over);
    c.timeline.prepend(server.history(c.timeline.oldest, 50));
    assert.equal(c.timeline.messages[0].id, id);
  }
});

test("an answer that is lost on the way is asked for again, though nothing else comes", async () => {
  const c = client();
  c.server.create(BOB);
  c.greet();
  assert.equal(c.syncs().length, 1);
  await c.clock.advance(10_000);
  assert.equal(c.syncs().length, 2);
  c.handlers.handle(c.server.page(c.syncs().at(-1), 50));
  await c.clock.advance(60_000);
  assert.deepEqual([c.syncs().length, held(c.timeline)], [2, truth(c.server)]);
});
