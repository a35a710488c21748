import assert from "node:assert/strict";
import test from "node:test";
import { Store } from "../../static/js/net/store.js";
import { LocalFiles } from "../../static/js/state/local-files.js";
import { UploadNews } from "../../static/js/state/attachments-news.js";
import { canBeFile, refusalText } from "../../static/js/state/attachments-refusals.js";
import { Outbox } from "../../static/js/state/outbox.js";
import { storedEntries } from "../../static/js/state/outbox-entries.js";
import { Uploads } from "../../static/js/state/uploads.js";
import { FakeClock, fakeStorage, settle } from "./helpers/clock.js";

const KILO = 1024;
const PART = 1024 * KILO;

class MemoryStore {
  values = new Map();
  isFull = false;
  get = async (key) => this.values.get(key) ?? null;
  set = async (key, value) => !this.isFull && Boolean(this.values.set(key, value));
  remove = async (key) => void this.values.delete(key);
  keys = async (begin) => [...this.values.keys()].filter((key) => key.startsWith(begin));
}

const refusal = (status, code, more = {}) => Object.assign(new Error(code), { status, code, retryAfterMs: 0, ...more });

/** The server's side of an upload. `faults`: what the next requests fail with, before or after they are stored. */
class FakeServer {
  uploads = new Map();
  log = [];
  faults = [];
  /** By id of the file: why it is no picture. */
  rejects = new Map();

  #fault(when) {
    if (this.faults[0]?.when !== when) return;
    throw this.faults.shift().error;
  }

  announce = async (file) => {
    this.log.push(`announce ${file.id}`);
    this.#fault("announce");
    const known = this.uploads.get(file.id);
    if (known?.isSent) throw refusal(409, "conflict");
    if (!known) this.uploads.set(file.id, { ...file, bytes: Buffer.alloc(0) });
    else known.kind = file.kind;
    return { id: file.id, offset: this.uploads.get(file.id).bytes.length, part_bytes: PART, ...this.#whole(file.id) };
  };

  part = async (id, offset, bytes) => {
    this.log.push(`part ${id} ${offset}+${bytes.byteLength}`);
    this.#fault("part");
    const upload = this.uploads.get(id);
    if (!upload) throw refusal(404, "not_found");
    if (offset !== upload.bytes.length) throw refusal(409, "conflict", { offset: upload.bytes.length });
    upload.bytes = Buffer.concat([upload.bytes, Buffer.from(bytes)]);
    this.#fault("answer");
    if (upload.bytes.length < upload.size) return {};
    if (this.rejects.has(id) && upload.kind !== "file")
      throw refusal(422, "invalid_file", { reason: this.rejects.get(id) });
    upload.isReady = true;
    return this.#whole(id).attachment;
  };

  still = async (id) => void this.log.push(`still ${id}`);

  cancel = async (id) => {
    this.log.push(`cancel ${id}`);
    this.uploads.delete(id);
  };

  #whole(id) {
    const upload = this.uploads.get(id);
    return upload.isReady ? { attachment: { id, kind: upload.kind } } : {};
  }
}

function device({
  server = new FakeServer(),
  clock = new FakeClock(),
  storage = fakeStorage(),
  files,
  isLive = true,
} = {}) {
  const sent = [];
  const store = new Store({ storage, user: "u-alice" });
  const memory = new MemoryStore();
  let next = 0;
  const outbox = new Outbox({
    clock,
    store,
    newId: () => `m${(next += 1)}`,
    send: (frame) => Boolean(sent.push(frame)),
    post: async () => ({}),
    random: () => 0.5,
  });
  const local = files ?? new LocalFiles({ store: memory, makeUrl: (blob) => `blob:${blob.size}` });
  const stored = (id) => storedEntries(store).get(id)?.command ?? null;
  const uploads = new Uploads({ transport: server, files: local, outbox, clock, stored, random: () => 0 });
  outbox.prepare = uploads.prepare;
  outbox.setLive(isLive);
  return { server, clock, storage, sent, outbox, files: local, uploads, memory };
}

const bytesOf = (size) => Buffer.from(Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8)) % 251));

function send({ outbox, files }, names, body = "") {
  const attachments = names.map(([id, size, kind = "picture"]) => ({ id, kind, name: `${id}.jpg`, size }));
  for (const { id, size } of attachments) files.keep(id, new Blob([bytesOf(size)]));
  return outbox.addMessage({ room: "r", body, attachments });
}

/** Until everything that can go on without a further event has gone on: reading a Blob takes turns of Node's loop. */
async function done({ clock }, ms = 60_000) {
  for (let round = 0; round < 60; round += 1) {
    await new Promise((turn) => setImmediate(turn));
    await clock.advance(ms / 60);
  }
}

test("a picture is uploaded first, byte for byte, and the message names it by its id", async () => {
  const alice = device();
  send(alice, [["a", 700 * KILO]], "look");
  assert.deepEqual(alice.sent, []);
  await done(alice);
  assert.ok(alice.server.uploads.get("a").bytes.equals(bytesOf(700 * KILO)));
  assert.deepEqual(
    alice.sent.map(({ type, body, attachments }) => ({ type, body, attachments })),
    [{ type: "message.send", body: "look", attachments: ["a"] }],
  );
});

test("text that was typed after a picture waits for it, and another chat does not", async () => {
  const alice = device();
  send(alice, [["a", 10]]);
  alice.outbox.addMessage({ room: "r", body: "what do you think?" });
  alice.outbox.addMessage({ room: "other", body: "hello" });
  assert.deepEqual(
    alice.sent.map(({ id }) => id),
    ["m3"],
  );
  await done(alice, 600);
  assert.deepEqual(
    alice.sent.map(({ id }) => id),
    ["m3", "m1"],
  );
  alice.outbox.accepted("m1", 1);
  assert.deepEqual(
    alice.sent.map(({ id }) => id),
    ["m3", "m1", "m2"],
  );
});

test("several files go one after another in their order", async () => {
  const alice = device();
  send(alice, [
    ["b", 10],
    ["a", 20],
    ["c", 30, "file"],
  ]);
  await done(alice);
  assert.deepEqual(
    alice.server.log.filter((line) => line.startsWith("part")),
    ["part b 0+10", "part a 0+20", "part c 0+30"],
  );
  assert.deepEqual(alice.sent[0].attachments, ["b", "a", "c"]);
});

test("a line that breaks ten times delivers the file once, byte for byte", async () => {
  const alice = device();
  const size = 9_500 * KILO;
  for (let at = 0; at < 10; at += 1)
    alice.server.faults.push({ when: at % 2 ? "part" : "answer", error: refusal(0, "no_answer") });
  send(alice, [["a", size]]);
  for (let round = 0; round < 5; round += 1) await done(alice);
  assert.equal(alice.server.faults.length, 0);
  assert.ok(alice.server.uploads.get("a").bytes.equals(bytesOf(size)));
  assert.equal(alice.sent.length, 1);
});

test("a server that is busy gets the same part again, no sooner than it said", async () => {
  const alice = device();
  alice.server.faults.push({ when: "part", error: refusal(503, "busy", { retryAfterMs: 8_000 }) });
  send(alice, [["a", 10]]);
  await done(alice, 7_000);
  assert.deepEqual(alice.server.log, ["announce a", "part a 0+10"]);
  await done(alice, 3_000);
  assert.deepEqual(alice.server.log, ["announce a", "part a 0+10", "announce a", "part a 0+10"]);
  assert.equal(alice.sent.length, 1);
});

test("a limit that takes a while is told, and waited for", async () => {
  const alice = device();
  alice.server.faults.push({ when: "announce", error: refusal(429, "rate_limited", { retryAfterMs: 120_000 }) });
  send(alice, [["a", 10]]);
  await done(alice, 60_000);
  assert.deepEqual([alice.uploads.progressOf("a").state, alice.uploads.progressOf("a").isLimited], ["waiting", true]);
  await done(alice, 61_000);
  assert.deepEqual([alice.uploads.progressOf("a").isLimited, alice.sent.length], [false, 1]);
});

test("a reload in the middle goes on where the server says", async () => {
  const before = device();
  before.server.faults.push(...Array(40).fill({ when: "answer", error: refusal(0, "no_answer") }));
  send(before, [["a", 600 * KILO]], "look");
  await done(before, 300);
  const { length } = before.server.uploads.get("a").bytes;
  assert.ok(length > 0 && length < 600 * KILO);
  before.outbox.setLive(false);
  before.server.faults.length = before.server.log.length = 0;
  const files = new LocalFiles({ store: before.memory });
  const after = device({ ...before, files });
  await done(after);
  assert.equal(
    after.server.log
      .find((line) => line.startsWith("part"))
      .split(" ")[2]
      .split("+")[0],
    String(length),
  );
  assert.ok(after.server.uploads.get("a").bytes.equals(bytesOf(600 * KILO)));
  assert.deepEqual([after.sent[0].body, after.sent[0].attachments], ["look", ["a"]]);
});

test("after a reload between last part and answer, the message is sent again under its id", async () => {
  const alice = device();
  send(alice, [["a", 10]]);
  await done(alice, 600);
  alice.outbox.setLive(false);
  alice.server.uploads.get("a").isSent = true;
  const after = device({ ...alice, files: new LocalFiles({ store: alice.memory }) });
  await done(after, 600);
  assert.deepEqual([after.sent[0].id, after.sent[0].attachments], [alice.sent[0].id, ["a"]]);
});

test("what is no picture fails with its reason, and goes as a file without a second upload", async () => {
  const alice = device();
  alice.server.rejects.set("a", "damaged");
  const { id } = send(
    alice,
    [
      ["a", 10],
      ["b", 20],
    ],
    "look",
  );
  await done(alice);
  assert.deepEqual([alice.outbox.get(id).state, alice.outbox.get(id).reason], ["failed", "file_invalid"]);
  assert.equal(alice.uploads.progressOf("a").state, "failed");
  const after = device({ ...alice, files: new LocalFiles({ store: alice.memory }), isLive: false });
  assert.deepEqual(
    after.outbox.get(id).command.attachments.map(({ refused }) => refused),
    ["damaged", undefined],
    "and so it says after a reload",
  );
  alice.server.log.length = 0;
  alice.uploads.sendAsFile(id);
  await done(alice);
  assert.deepEqual(alice.server.log, ["announce a", "part a 10+0", "announce b", "part b 0+20"]);
  assert.equal(alice.server.uploads.get("a").kind, "file");
  assert.deepEqual(
    alice.outbox.get(id).command.attachments.map(({ kind }) => kind),
    ["file", "picture"],
  );
  assert.deepEqual(alice.sent[0].attachments, ["a", "b"]);
});

for (const [code, status, failed, reason] of [
  ["too_large", 413, "file_too_large"],
  ["storage_full", 507, "files_full"],
  ["invalid_text", 422, "file_invalid"],
  ["invalid_file", 422, "file_infected", "infected"],
])
  test(`${code}: not sent, and said why`, async () => {
    const alice = device();
    alice.server.faults.push({ when: "announce", error: refusal(status, code, { retryAfterMs: 60_000, reason }) });
    const { id } = send(alice, [["a", 10]]);
    await done(alice, 1_000);
    assert.deepEqual([alice.outbox.get(id).state, alice.outbox.get(id).reason], ["failed", failed]);
    alice.outbox.retry(id);
    await done(alice, 1_000);
    assert.equal(alice.sent.length, 1);
  });

test("a file that is no longer on the device is said to be missing", async () => {
  const alice = device();
  const { id } = alice.outbox.addMessage({
    room: "r",
    body: "",
    attachments: [{ id: "a", kind: "file", name: "a", size: 9 }],
  });
  await done(alice);
  assert.equal(alice.outbox.get(id).reason, "file_missing");
});

test("an upload that the server has swept begins again", async () => {
  const alice = device();
  alice.server.faults.push({ when: "part", error: refusal(404, "not_found") });
  send(alice, [["a", 10]]);
  await done(alice);
  assert.equal(alice.sent.length, 1);
});

test("cancelling one file sends the others; cancelling the last one sends nothing and tells the server", async () => {
  const alice = device();
  alice.server.faults.push(...Array(9).fill({ when: "part", error: refusal(503, "busy", { retryAfterMs: 5_000 }) }));
  const { id } = send(alice, [
    ["a", 10],
    ["b", 20],
  ]);
  await done(alice, 600);
  assert.ok(alice.uploads.cancel(id, "a"));
  alice.server.faults.length = 0;
  await done(alice, 600);
  assert.deepEqual(alice.sent[0].attachments, ["b"]);
  assert.ok(alice.server.log.includes("cancel a"));

  const other = device();
  other.server.faults.push(...Array(9).fill({ when: "part", error: refusal(0, "no_answer") }));
  const single = send(other, [["a", 10]]);
  await done(other, 600);
  other.uploads.cancel(single.id, "a");
  await done(other);
  assert.deepEqual([other.outbox.get(single.id), other.sent, other.server.uploads.size], [null, [], 0]);
});

test("cancelling the only file of a message with a text sends the text", async () => {
  const alice = device();
  alice.server.faults.push(...Array(3).fill({ when: "part", error: refusal(0, "no_answer") }));
  const { id } = send(alice, [["a", 10]], "look at this");
  await done(alice, 300);
  alice.uploads.cancel(id, "a");
  await done(alice);
  assert.deepEqual([alice.sent[0].body, "attachments" in alice.sent[0]], ["look at this", false]);
});

test("offline nothing fails: it waits, and is uploaded when the connection is back", async () => {
  const alice = device();
  alice.outbox.setLive(false);
  const { id } = send(alice, [["a", 10]]);
  await done(alice, 3_600_000);
  assert.deepEqual([alice.outbox.get(id).state, alice.server.log], ["pending", []]);
  alice.outbox.setLive(true);
  await done(alice);
  assert.equal(alice.sent.length, 1);
});

test("parts grow on a quick line and shrink on a slow one, within what the server takes", async () => {
  const alice = device();
  send(alice, [["a", 4_000 * KILO]]);
  await done(alice);
  const sizes = alice.server.log
    .filter((line) => line.startsWith("part"))
    .map((line) => Number(line.split("+")[1]) / KILO);
  assert.deepEqual(sizes.slice(0, 4), [256, 512, 1024, 1024]);

  const slow = device();
  const { part } = slow.server;
  slow.server.part = async (...call) => {
    await new Promise((answered) => slow.clock.after(5_000, answered));
    return part(...call);
  };
  send(slow, [["a", 500 * KILO]]);
  await done(slow, 120_000);
  const small = slow.server.log
    .filter((line) => line.startsWith("part"))
    .map((line) => Number(line.split("+")[1]) / KILO);
  assert.deepEqual(small.slice(0, 4), [256, 128, 64, 52]);
});

test("the progress of a file: waiting, sending with its share, checking, ready", async () => {
  const alice = device();
  const seen = [];
  const uploads = new Uploads({
    ...{ transport: alice.server, files: alice.files, outbox: alice.outbox, clock: alice.clock },
    onChange: (id) => seen.push([id, uploads.progressOf(id).state, Math.round(uploads.progressOf(id).share * 100)]),
  });
  alice.outbox.prepare = uploads.prepare;
  send(alice, [["a", 512 * KILO]]);
  await done(alice);
  assert.deepEqual(seen, [
    ["a", "waiting", 0],
    ["a", "sending", 0],
    ["a", "checking", 50],
    ["a", "ready", 100],
  ]);
});

test("a video gets a still before its message is sent, and is sent without one where none can be drawn", async () => {
  const alice = device();
  const drawing = [
    async () => new Blob(["jpeg"], { type: "image/jpeg" }),
    async () => Promise.reject(new Error("codec")),
  ];
  for (const makeStill of drawing) {
    const uploads = new Uploads({ ...alice, transport: alice.server, makeStill });
    alice.outbox.prepare = uploads.prepare;
    const id = `v${drawing.indexOf(makeStill)}`;
    const message = send(alice, [[id, 10, "video"]]);
    await done(alice);
    alice.outbox.accepted(message.id, 1);
  }
  assert.deepEqual(
    alice.sent.map(({ attachments }) => attachments),
    [["v0"], ["v1"]],
  );
  assert.deepEqual(
    alice.server.log.filter((line) => line.startsWith("still")),
    ["still v0"],
  );
});

test("a browser that stores no files says that they exist only in this page", async () => {
  const alice = device();
  alice.memory.isFull = true;
  assert.equal(await alice.files.keep("a", new Blob(["x"])), false);
  assert.equal(
    alice.files.isAtRisk(() => true),
    true,
  );
  alice.memory.isFull = false;
  await alice.files.keep("b", new Blob(["x"]));
  assert.equal(
    alice.files.isAtRisk((id) => id === "b"),
    false,
  );
});

test("files that neither a message nor a tray has are removed at the next start", async () => {
  const { memory, files } = device();
  for (const id of ["a", "b"]) await files.keep(id, new Blob([id]));
  const next = new LocalFiles({ store: memory });
  await next.sweep((id) => id === "b");
  assert.deepEqual([...memory.values.keys()], ["file:b"]);
});

test("a stored file is read for the page once, and its address stays after it was sent", async () => {
  const { memory, files } = device();
  await files.keep("a", new Blob(["abc"]));
  let loaded = 0;
  const next = new LocalFiles({ store: memory, makeUrl: (blob) => `blob:${blob.size}`, onLoaded: () => (loaded += 1) });
  assert.deepEqual([next.urlOf("a"), next.urlOf("a")], [null, null]);
  await settle();
  assert.deepEqual([loaded, next.urlOf("a")], [1, "blob:3"]);
  await next.remove("a");
  assert.equal(next.urlOf("a"), "blob:3");
  assert.equal(next.urlOf("unknown"), null);
});

/** Two tabs of one browser, with one store, one outbox lock, one server. */
function twoTabs() {
  const first = device();
  const { server, clock, storage, memory } = first;
  const files = new LocalFiles({ store: memory });
  const second = device({ server, clock, storage, files, isLive: false });
  return [first, Object.assign(second, { memory })];
}

/** What the storage event of the other tab does. */
function hear({ outbox, uploads }) {
  outbox.reload();
  uploads.changed("r");
}

test("a file that another tab takes out of a waiting message is not sent by this one", async () => {
  const [alice, other] = twoTabs();
  const busy = { when: "part", error: refusal(503, "busy", { retryAfterMs: 5_000 }) };
  alice.server.faults.push(...Array(9).fill(busy));
  const names = ["a", "b"].map((name) => [name, 10]);
  const { id } = send(alice, names, "look");
  await done(alice, 600);
  hear(other);
  other.uploads.cancel(id, "a");
  alice.server.faults.length = 0;
  hear(alice);
  await done(alice, 600);
  assert.deepEqual([alice.sent.map(({ attachments }) => attachments), other.sent], [[["b"]], []]);
  assert.equal(alice.server.uploads.has("a"), false, "nor uploaded again");
});

test("a message that another tab withdraws is uploaded no further and never sent", async () => {
  const [alice, other] = twoTabs();
  alice.server.faults.push(...Array(9).fill({ when: "part", error: refusal(503, "busy", { retryAfterMs: 5_000 }) }));
  const { id } = send(alice, [["a", 10]]);
  await done(alice, 600);
  hear(other);
  other.uploads.cancel(id, "a");
  alice.server.faults.length = alice.server.log.length = 0;
  hear(alice);
  await done(alice);
  assert.deepEqual([alice.sent, other.sent, alice.server.log], [[], [], []]);
});

test("a tab that takes over goes on with what is left, even if it never heard of the change", async () => {
  const [alice, other] = twoTabs();
  alice.server.faults.push(...Array(9).fill({ when: "announce", error: refusal(0, "no_answer") }));
  const { id } = send(alice, [
    ["a", 10],
    ["b", 20],
  ]);
  await done(alice, 300);
  other.outbox.reload();
  alice.uploads.cancel(id, "a");
  alice.outbox.setLive(false);
  alice.server.faults.length = 0;
  other.outbox.setLive(true);
  await done(other);
  assert.deepEqual([alice.sent, other.sent.map(({ attachments }) => attachments)], [[], [["b"]]]);
});

test("a message that is sent again after hours asks the server whether it still has the files", async () => {
  const alice = device();
  const { id } = send(alice, [["a", 10]]);
  await done(alice, 600);
  alice.outbox.refused({ id, code: "cannot_deliver" });
  // Unsent for a day: the server has removed it.
  alice.server.uploads.clear();
  await alice.clock.sleep(2 * 3_600_000);
  alice.outbox.retry(id);
  await done(alice, 600);
  assert.ok(alice.server.uploads.get("a").isReady);
  assert.equal(alice.sent.length, 2);
});

test("a server that restarts while it receives gets the rest, and a message only once", async () => {
  const alice = device();
  alice.server.faults.push(
    { when: "answer", error: refusal(0, "no_answer") },
    ...Array(8).fill({ when: "announce", error: refusal(0, "no_answer") }),
    { when: "announce", error: refusal(502, "bad_gateway") },
  );
  send(alice, [["a", 600 * KILO]]);
  await done(alice);
  assert.ok(alice.server.uploads.get("a").bytes.equals(bytesOf(600 * KILO)));
  assert.equal(alice.sent.length, 1);
});

for (const [when, isSent] of [
  ["announce", false],
  ["part", false],
  ["answer", false],
  ["answer", true],
])
  test(`a reload after "${when}"${isSent ? " of a message that was sent" : ""} sends the message once`, async () => {
    const before = device();
    before.server.faults.push(...Array(6).fill({ when, error: refusal(0, "no_answer") }));
    const { id } = send(before, [["a", 10]], "look");
    await done(before, 200);
    before.outbox.setLive(false);
    before.server.faults.length = 0;
    if (isSent) Object.assign(before.server.uploads.get("a"), { isSent });
    const after = device({ ...before, files: new LocalFiles({ store: before.memory }) });
    await done(after);
    assert.deepEqual(
      after.sent.map((frame) => [frame.id, frame.attachments]),
      [[id, ["a"]]],
    );
    assert.ok(after.server.uploads.get("a").bytes.equals(bytesOf(10)));
  });

test("each reason of the server has its sentence, and an offer to send as a file where that may help", () => {
  const t = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const said = (refused, kind = "picture") => refusalText({ name: "pier.jpg", kind, refused }, t);
  const asFile = "not_a_picture too_many_pixels too_many_frames damaged too_slow unsupported mismatch".split(" ");
  for (const reason of [...asFile, "infected", "too_large", "missing"]) assert.match(said(reason), /pier\.jpg/, reason);
  assert.equal(said("damaged", "voice"), "Not sent. Voice message is damaged or incomplete.");
  assert.equal(said("of a newer server"), null);
  assert.deepEqual(
    [...asFile, "of a newer server", "infected", "too_large", "missing"].filter((refused) =>
      canBeFile({ kind: "picture", refused }),
    ),
    [...asFile, "of a newer server"],
  );
  assert.equal(canBeFile({ kind: "file", refused: "damaged" }), false);
});

test("a long upload is told to screen readers in tens, five seconds apart, and a short one not at all", async () => {
  const clock = new FakeClock();
  const said = [];
  const news = new UploadNews({ clock, t: (_, { n }) => n, announce: (n) => said.push(n) });
  const files = ["a", "b"].map((id) => ({ id, size: 50 }));
  const entry = (id) => ({ id, command: { attachments: files } });
  for (let percent = 0; percent <= 100; percent += 1) {
    const shares = { a: Math.min(1, percent / 50), b: Math.max(0, percent / 50 - 1) };
    news.tell(entry("m1"), (id) => ({ share: shares[id] }));
    await clock.advance(300);
  }
  assert.deepEqual(said, [10, 30, 50, 60, 80]);
  news.tell(entry("m2"), () => null);
  news.tell(entry("m2"), () => ({ share: 0.9 }));
  assert.equal(said.length, 5);
});
