import assert from "node:assert/strict";
import test from "node:test";
import { Socket } from "../../static/js/net/socket.js";
import { Decoder } from "../../static/js/protocol/events.js";
import { FakeClock, settle } from "./helpers/clock.js";

/** A browser with one socket and a server that does what the test says. */
function browser({ says = "unknown", random = () => 0.5, me } = {}) {
  const clock = new FakeClock();
  const lines = [];
  const events = [];
  const states = [];
  class FakeWebSocket {
    readyState = 0;
    sent = [];
    constructor() {
      lines.push(this);
    }
    send(text) {
      this.sent.push(JSON.parse(text).type);
    }
    close() {
      this.readyState = 3;
      this.wasClosed = true;
    }
    hears(frame) {
      this.readyState = 1;
      this.onmessage?.({ data: JSON.stringify(frame) });
    }
    breaks(code = 1006) {
      this.readyState = 3;
      this.onclose?.({ code });
    }
  }
  let asked = 0;
  const socket = new Socket({
    url: "ws://here/ws/",
    WebSocket: FakeWebSocket,
    clock,
    random,
    decoder: new Decoder(),
    ask: async () => ((asked += 1), says),
    me,
    onEvent: (event) => events.push(event.type),
    onState: ({ name }) => states.push(name),
  });
  const line = () => lines.at(-1);
  const greet = () => line().hears({ type: "connection_established", user: {}, rooms: {}, heartbeat_ms: 25_000 });
  return {
    clock,
    socket,
    lines,
    line,
    events,
    states,
    greet,
    asked: () => asked,
    name: () => socket.connection.name,
    live() {
      socket.start();
      greet();
      socket.caughtUp();
    },
  };
}

test("from the first try over the greeting and the catching up to live", () => {
  const { socket, line, greet, states, events } = browser();
  socket.start();
  assert.equal(socket.send({ type: "ping" }), false, "nothing is said before the greeting");
  greet();
  socket.caughtUp();
  assert.deepEqual(states, ["connecting", "catching-up", "live"]);
  assert.deepEqual(events, ["connection_established"]);
  assert.equal(socket.send({ type: "sync" }), true);
  assert.deepEqual(line().sent, ["sync"]);
});

test("a page never goes on as another person", async () => {
  const b = browser({ me: "alma" });
  b.socket.start();
  b.line().hears({ type: "connection_established", user: { id: "alma" }, rooms: {}, heartbeat_ms: 25_000 });
  b.socket.caughtUp();
  b.line().breaks();
  await b.clock.advance(250);
  b.line().hears({ type: "connection_established", user: { id: "bert" }, rooms: {}, heartbeat_ms: 25_000 });
  assert.equal(b.name(), "other-account");
  assert.ok(b.line().wasClosed);
  assert.deepEqual(b.events, ["connection_established"], "nothing of the other person is heard");
  assert.equal(b.socket.send({ type: "message.send" }), false);
  assert.deepEqual(b.line().sent, [], "nor anything said as them");
  const before = b.lines.length;
  for (const kind of ["wake", "pressed", "online", "slept"]) b.socket.wake(kind);
  await b.clock.advance(3_600_000);
  assert.equal(b.lines.length, before);
});

test("of 21 tabs the replaced one does not reconnect until it is used", async () => {
  const b = browser();
  b.live();
  b.line().hears({ type: "bye", code: 4409, reason: "replaced", retryable: true, retry_after_ms: 0 });
  const before = b.lines.length;
  for (const kind of ["online", "slept", "offline", "online"]) b.socket.wake(kind);
  await b.clock.advance(24 * 3_600_000);
  assert.equal(b.lines.length, before);
  b.socket.wake("pressed");
  assert.equal(b.lines.length, before + 1);
});

test("a lost connection is retried with growing delays, and a greeting alone does not reset them", async () => {
  const b = browser();
  b.live();
  b.line().breaks();
  for (const wait of [250, 500, 1_000, 2_000, 4_000, 7_500, 15_000, 15_000]) {
    const before = b.lines.length;
    await b.clock.advance(wait - 1);
    assert.equal(b.lines.length, before, `before ${wait}`);
    await b.clock.advance(1);
    assert.equal(b.lines.length, before + 1, `after ${wait}`);
    b.greet();
    b.line().breaks();
  }
});

test("after a minute of stable connection the delays start again", async () => {
  const b = browser();
  b.live();
  b.line().breaks();
  await b.clock.advance(250);
  b.greet();
  for (let second = 0; second < 61; second += 1) {
    await b.clock.advance(1_000);
    b.line().hears({ type: "pong" });
  }
  b.line().breaks();
  await b.clock.advance(250);
  assert.equal(b.lines.length, 3);
});

test("the server's retry_after_ms comes before the drawn wait, so that the returns are spread", async () => {
  const b = browser();
  b.live();
  b.line().hears({ type: "bye", code: 4012, reason: "restarting", retryable: true, retry_after_ms: 5_000 });
  await b.clock.advance(5_249);
  assert.equal(b.lines.length, 1);
  await b.clock.advance(1);
  assert.equal(b.lines.length, 2);
});

test("the server's retry_after_ms is a floor, for a press on Try now too", async () => {
  const b = browser();
  b.live();
  b.line().hears({ type: "bye", code: 4012, reason: "restarting", retryable: true, retry_after_ms: 5_000 });
  assert.ok(b.lines[0].wasClosed);
  b.socket.wake();
  b.socket.wake("online");
  await b.clock.advance(4_999);
  assert.equal(b.lines.length, 1);
  await b.clock.advance(1);
  assert.equal(b.lines.length, 2);
});

for (const [code, end] of [
  [4401, "signed-out"],
  [4403, "stopped"],
  [4404, "stopped"],
  [4426, "stopped"],
]) {
  for (const way of ["bye", "close"]) {
    test(`${code} by ${way} ends in ${end}, for good`, async () => {
      const b = browser();
      b.live();
      if (way === "bye") b.line().hears({ type: "bye", code, reason: "x", retryable: false, retry_after_ms: 0 });
      else b.line().breaks(code);
      b.socket.wake();
      b.socket.wake("online");
      await b.clock.advance(3_600_000);
      assert.deepEqual([b.name(), b.lines.length], [end, 1]);
    });
  }
}

for (const code of [1000, 1006, 4400, 4408, 4413, 4429, 4012, 4500, 4503, 4999]) {
  test(`after ${code} the browser comes back by itself`, async () => {
    const b = browser();
    b.live();
    b.line().breaks(code);
    await b.clock.advance(500);
    assert.equal(b.lines.length, 2);
  });
}

test("one of too many sockets rests until its tab is shown or pressed", async () => {
  const b = browser();
  b.live();
  b.line().breaks(4409);
  await b.clock.advance(3_600_000);
  assert.deepEqual([b.name(), b.lines.length], ["replaced", 1]);
  b.socket.wake();
  assert.equal(b.lines.length, 2);
});

for (const [says, end] of [
  ["signed-out", "signed-out"],
  ["stopped", "stopped"],
  ["unknown", "backing-off"],
]) {
  test(`a refused handshake, explained by the HTTP API as ${says}, ends in ${end}`, async () => {
    const b = browser({ says });
    b.socket.start();
    b.line().breaks();
    await settle();
    assert.deepEqual([b.name(), b.asked()], [end, 1]);
  });
}

test("an established connection that is lost is not explained over HTTP", async () => {
  const b = browser({ says: "signed-out" });
  b.live();
  b.line().breaks();
  await settle();
  assert.deepEqual([b.name(), b.asked()], ["backing-off", 0]);
});

test("a ping every 25 s; ten seconds without any frame close the socket", async () => {
  const b = browser();
  b.live();
  await b.clock.advance(25_000);
  assert.deepEqual(b.line().sent, ["ping"]);
  b.line().hears({ type: "pong" });
  await b.clock.advance(25_000);
  assert.deepEqual(b.line().sent, ["ping", "ping"]);
  await b.clock.advance(4_999);
  assert.equal(b.name(), "live");
  await b.clock.advance(5_000);
  assert.equal(b.name(), "suspect");
  assert.ok(!b.lines[0].wasClosed, "kept while it is only doubted");
  await b.clock.advance(1);
  assert.ok(b.lines[0].wasClosed);
  assert.equal(b.name(), "backing-off");
});

test("any frame shows that the connection is alive, but a pong must come in the end", async () => {
  const b = browser();
  b.live();
  await b.clock.advance(25_000);
  b.line().hears({ type: "heads", rooms: {} });
  await b.clock.advance(9_999);
  assert.equal(b.name(), "live");
  await b.clock.advance(1);
  assert.equal(b.name(), "backing-off");
});

test("after a sleep a dead connection is noticed within five seconds", async () => {
  const b = browser();
  b.live();
  await b.clock.sleep(3_600_000);
  await b.clock.advance(5_000);
  assert.ok(b.lines[0].wasClosed);
});

test("a short freeze of the page causes a ping, and an answer that was queued saves the connection", async () => {
  const b = browser();
  b.live();
  await b.clock.advance(25_000);
  await b.clock.sleep(20_000);
  assert.equal(b.name(), "suspect");
  b.line().hears({ type: "pong" });
  await b.clock.advance(5_000);
  assert.deepEqual([b.name(), b.lines.length], ["live", 1]);
});

test("a socket closed with a reason does not ask over HTTP", async () => {
  const b = browser();
  b.socket.start();
  b.line().hears({ type: "bye", code: 4503, reason: "overloaded", retryable: true, retry_after_ms: 2_000 });
  await settle();
  assert.deepEqual([b.name(), b.asked()], ["backing-off", 0]);
});

test("a server that accepts the socket and never greets is given up after ten seconds", async () => {
  const b = browser();
  b.socket.start();
  b.line().readyState = 1;
  await b.clock.advance(10_000);
  assert.ok(b.lines[0].wasClosed);
  await b.clock.advance(250);
  assert.equal(b.lines.length, 2);
});

test("missed events that never come do not keep the talk from going on", async () => {
  const b = browser();
  b.socket.start();
  b.greet();
  await b.clock.advance(10_000);
  assert.equal(b.name(), "live");
});

test("the device reports no network: a ping is sent, and the connection given up after a second", async () => {
  const b = browser();
  b.live();
  b.socket.wake("offline");
  await b.clock.advance(1_000);
  assert.equal(b.name(), "offline");
  const before = b.lines.length;
  b.socket.wake("online");
  assert.deepEqual([b.name(), b.lines.length], ["connecting", before + 1]);
});

test("a server on this very machine answers without a network, and nothing changes", async () => {
  const b = browser();
  b.live();
  b.socket.wake("offline");
  b.line().hears({ type: "pong" });
  await b.clock.advance(5_000);
  assert.equal(b.name(), "live");
});

test("coming back to the tab tries at once", async () => {
  const b = browser({ random: () => 0.99 });
  b.live();
  b.line().breaks();
  b.socket.wake();
  assert.equal(b.lines.length, 2);
});

test("frames of a socket that was given up are ignored", async () => {
  const b = browser();
  b.live();
  await b.clock.advance(35_000);
  const old = b.lines[0];
  old.hears({ type: "heads", rooms: {} });
  old.breaks(4401);
  assert.deepEqual(b.events, ["connection_established"]);
  assert.notEqual(b.name(), "signed-out");
});

test("that HTTP still works is reported once, although the state keeps its name", async () => {
  const b = browser({ says: "reachable" });
  b.socket.start();
  b.line().breaks();
  await b.clock.advance(0);
  assert.deepEqual([b.states.at(-1), b.socket.connection.isReachable], ["backing-off", true]);
  assert.equal(b.states.filter((name) => name === "backing-off").length, 2, "lost, and then reachable");
});
