import assert from "node:assert/strict";
import test from "node:test";
import { Api } from "../../static/js/net/api.js";
import { EventHandlers } from "../../static/js/state/event-handlers.js";
import { ConversationList } from "../../static/js/state/conversation-list.js";
import { RowRefresh } from "../../static/js/state/row-refresh.js";
import { FakeClock, seeded } from "./helpers/clock.js";

const ALICE = "u-alice";

/** Very many chats of one person, each with its numbers, and the answers of a server that keeps the contract. */
class Server {
  chats = new Map();
  #moment = 0;

  constructor(count, unread = 1) {
    for (let n = count; n > 0; n -= 1) {
      this.chats.set(`dm-${n}`, {
        room: `dm-${n}`,
        peer: { id: `u-${n}`, name: `P ${n}` },
        head: 0,
        mark: 0,
        received: 0,
        read_count: 0,
        read: 0,
        last_message: null,
      });
      for (let sent = 0; sent < unread; sent += 1) this.write(n);
    }
  }

  write(n) {
    const chat = this.chats.get(`dm-${n}`);
    const seq = (chat.head += 1);
    const created_at = new Date((this.#moment += 1) * 1_000).toISOString();
    chat.last_message = {
      seq,
      version: seq,
      id: `${chat.room}-${seq}`,
      sender: chat.peer.id,
      ordinal: (chat.received += 1),
      body: "hi",
      created_at,
    };
    chat.activity = created_at;
    return { type: "message.created", room: chat.room, message: chat.last_message };
  }

  read(n) {
    const chat = this.chats.get(`dm-${n}`);
    Object.assign(chat, { read: chat.head, read_count: chat.received, mark: chat.mark + 1 });
    return {
      type: "receipt.advanced",
      room: chat.room,
      user: ALICE,
      delivered: chat.head,
      read: chat.head,
      read_count: chat.received,
      mark: chat.mark,
    };
  }

  get sorted() {
    return [...this.chats.values()].sort((a, b) => b.activity.localeCompare(a.activity));
  }

  get total() {
    return this.sorted.reduce((sum, chat) => sum + chat.received - chat.read_count, 0);
  }

  page(from = 0, count = 60) {
    return { items: structuredClone(this.sorted.slice(from, from + count)), unread_total: this.total };
  }

  named(rooms) {
    return {
      items: structuredClone(rooms.map((room) => this.chats.get(room)).filter(Boolean)),
      unread_total: this.total,
    };
  }

  heads(chats) {
    return {
      epoch: "1",
      rooms: Object.fromEntries(chats.map(({ room, head }) => [room, head])),
      marks: Object.fromEntries(chats.map(({ room, mark }) => [room, mark])),
    };
  }

  get greeting() {
    return {
      type: "connection_established",
      user: {},
      ...this.heads(this.sorted.slice(0, 100)),
      unread_total: this.total,
    };
  }

  /** The answer to `sync {}`, in parts. */
  get all() {
    const parts = [];
    for (let from = 0; from < this.chats.size; from += 500)
      parts.push({
        type: "heads",
        ...this.heads(this.sorted.slice(from, from + 500)),
        more: from + 500 < this.chats.size,
        unread_total: this.total,
      });
    return parts;
  }
}

/** A page of Alice: `pages` pages of the list are loaded. `api` may fail. */
function page(server, { pages = 1, fail = () => null } = {}) {
  const clock = new FakeClock();
  const list = new ConversationList({ me: ALICE });
  const requests = [];
  const arrived = [];
  const load = async (rooms) => {
    requests.push(rooms);
    await new Promise((done) => clock.after(50, done));
    const error = fail(requests.length);
    if (error) throw error;
    return rooms ? server.named(rooms) : server.page();
  };
  const quiet = { settle() {}, delivered() {}, get: () => null };
  const sent = [];
  const learn = ({ items, unread_total: total }, { isWhole, isExact }) =>
    handlers.applyRows(items, { isWhole, total: isExact ? total : null });
  const rows = new RowRefresh({ load, clock, learn, revision: () => list.unreadRevision, random: () => 0.5 });
  const on = {
    changed() {},
    arrived: (room, message) => arrived.push([room, message.seq]),
    caughtUp() {},
    restored() {},
  };
  const handlers = new EventHandlers({
    me: ALICE,
    list,
    outbox: quiet,
    receipts: quiet,
    send: (command) => sent.push(command),
    refresh: (run) => run(rows),
    clock,
    on,
  });
  const first = server.page();
  handlers.applyRows(first.items, { isWhole: true, total: first.unread_total });
  for (let n = 1; n < pages; n += 1) handlers.applyRows(server.page(n * 60).items, { isOlder: true });
  /** The line is back; what the page asks over it is answered. */
  const connect = async () => {
    handlers.connectionLost();
    handlers.handle(server.greeting);
    if (sent.splice(0).some(({ type, rooms }) => type === "sync" && !Object.keys(rooms).length))
      for (const part of server.all) handlers.handle(part);
    await clock.advance(5_000);
  };
  return { clock, list, handlers, connect, requests, arrived, total: () => list.total(clock.now()) };
}

const stale = (server, list) =>
  list.rows.filter((row) => row.unread !== server.chats.get(row.room).received - server.chats.get(row.room).read_count);

test("unread is the server's total, however few rows are loaded", async () => {
  for (const [chats, pages] of [
    [1, 1],
    [60, 1],
    [61, 1],
    [90, 1],
    [90, 2],
    [1_000, 1],
    [1_000, 4],
  ]) {
    const server = new Server(chats);
    const p = page(server, { pages });
    assert.equal(p.total(), chats, `${chats} chats, ${pages} pages`);
    await p.connect();
    assert.deepEqual([p.total(), p.requests.length], [chats, 0], "and nothing is asked for that is known");
  }
});

test("older rows that are loaded take their messages out of the rest", () => {
  const server = new Server(200, 2);
  const p = page(server);
  p.handlers.applyRows(server.page(60).items, { isOlder: true });
  assert.deepEqual([p.total(), p.list.unreadElsewhere], [400, 160]);
});

test("messages in all chats during a disconnect: every row that is shown is right, and so is the total", async () => {
  const server = new Server(90);
  const p = page(server, { pages: 2 });
  for (let n = 1; n <= 90; n += 1) server.write(n);
  await p.connect();
  assert.deepEqual([p.total(), stale(server, p.list)], [180, []]);
});

test("chats far down that were read on another device during a disconnect", async () => {
  for (const [chats, pages, from] of [
    [90, 2, 86],
    [150, 3, 146],
    [200, 4, 196],
    [1_000, 4, 190],
    [1_000, 1, 900],
  ]) {
    const server = new Server(chats);
    const p = page(server, { pages });
    for (let n = from; n < from + 5; n += 1) server.read(n);
    await p.connect();
    assert.deepEqual([p.total(), stale(server, p.list)], [chats - 5, []], `${chats} chats, ${pages} pages`);
  }
});

test("a message in a chat that is not loaded counts once, brings its row, and is announced", async () => {
  const server = new Server(1_000);
  const p = page(server);
  await p.connect();
  p.handlers.handle(server.write(700));
  await p.clock.advance(5_000);
  assert.equal(p.total(), 1_001);
  assert.equal(p.list.get("dm-700").unread, 2);
  assert.deepEqual(p.arrived, [["dm-700", 2]]);
});

test("a chat that is not loaded, read on another device, leaves the total", async () => {
  const server = new Server(1_000);
  const p = page(server);
  await p.connect();
  p.handlers.handle(server.read(700));
  await p.clock.advance(5_000);
  assert.equal(p.total(), 999);
});

test("a chat that was created during a disconnect is in the list", async () => {
  const server = new Server(300);
  const p = page(server);
  server.chats.set("dm-new", {
    ...server.chats.get("dm-1"),
    room: "dm-new",
    peer: { id: "u-new", name: "New" },
    head: 0,
    mark: 0,
    received: 0,
  });
  server.chats.set("dm-301", server.chats.get("dm-new"));
  server.write(301);
  server.chats.delete("dm-301");
  await p.connect();
  assert.equal(p.list.rows[0].room, "dm-new");
});

const refusals = {
  "a proxy's 502": { status: 502, code: "internal" },
  "a 503": { status: 503, code: "busy" },
  "no answer": { status: 0, code: "no_answer" },
  "a 429 that names its time": { status: 429, code: "rate_limited", retryAfterMs: 20_000 },
  "an error of another kind": new TypeError("x is not a function"),
};
for (const [name, error] of Object.entries(refusals)) {
  test(`rows that could not be had after a reconnect are asked for again: ${name}`, async () => {
    const server = new Server(90);
    const p = page(server, { pages: 2, fail: (n) => (n <= 3 ? error : null) });
    server.write(3);
    server.write(80);
    await p.connect();
    if (error.retryAfterMs) assert.equal(p.requests.length, 1, "not before the time that the server named");
    await p.clock.advance(90_000);
    assert.deepEqual([p.total(), stale(server, p.list)], [92, []]);
  });
}

test("a service that stays away is asked less and less often, and a session that is over not at all", async () => {
  const server = new Server(5);
  const away = page(server, { fail: () => ({ status: 503 }) });
  server.write(1);
  await away.connect();
  await away.clock.advance(600_000);
  assert.ok(away.requests.length < 50, `${away.requests.length} requests in ten minutes`);
  const over = page(server, { fail: () => ({ status: 401 }) });
  server.write(1);
  await over.connect();
  await over.clock.advance(600_000);
  assert.equal(over.requests.length, 1);
});

test("whatever is lost, and wherever it was read: after a reconnect the total and every row are exact", async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = seeded(seed);
    const pick = (count) => 1 + Math.floor(random() * count);
    const server = new Server(pick(1_000), pick(3) - 1 || 1);
    const p = page(server, { pages: pick(4), fail: () => (random() < 0.3 ? { status: 503 } : null) });
    await p.connect();
    for (let step = 0; step < 60; step += 1) {
      const event = random() < 0.6 ? server.write(pick(server.chats.size)) : server.read(pick(server.chats.size));
      if (random() < 0.7) p.handlers.handle(event);
      if (random() < 0.2) await p.clock.advance(pick(500));
    }
    await p.connect();
    await p.clock.advance(120_000);
    assert.equal(p.total(), server.total, `seed ${seed}`);
    assert.deepEqual(stale(server, p.list), [], `seed ${seed}`);
  }
});

const response = (body, { status = 200, headers = {} } = {}) => new Response(body, { status, headers });

test("every failure of the API is one that can be tried again, with the time that the server names", async () => {
  const failures = [
    [async () => Promise.reject(new TypeError("Failed to fetch")), 0, 0],
    [async () => response("<html>", { headers: { "Content-Type": "text/html" } }), 0, 0],
    [async () => response("<html>bad gateway", { status: 502 }), 502, 0],
    [async () => response("null", { status: 503, headers: { "Retry-After": "7" } }), 503, 7_000],
    [async () => response("", { status: 503, headers: { "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" } }), 503, 0],
    [async () => response('{"code": "rate_limited", "retry_after_ms": 1234}', { status: 429 }), 429, 1_234],
  ];
  for (const [fetch, status, wait] of failures) {
    const error = await new Api({ fetch, csrf: () => "" }).get("/x").then(assert.fail, (found) => found);
    assert.deepEqual([error.status, error.retryAfterMs], [status, wait]);
  }
});

test("a total from before a message that arrived meanwhile is not exact, and is requested once more", async () => {
  const clock = new FakeClock();
  const learned = [];
  const answers = [];
  let stamp = 0;
  const load = () => new Promise((done) => answers.push(done));
  const rows = new RowRefresh({
    clock,
    load,
    revision: () => stamp,
    random: () => 0,
    learn: (page, { isExact }) => learned.push(isExact),
  });
  rows.requestNewest();
  await clock.advance(10);
  stamp += 1;
  answers[0]({ items: [] });
  await clock.advance(3_000);
  answers[1]({ items: [] });
  await clock.advance(10_000);
  assert.deepEqual([learned, answers.length], [[false, true], 2]);
});
