import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import {
  commandFrame,
  messageSend,
  ping,
  receiptSet,
  roomOpen,
  syncHeads,
  syncRoom,
  typingSet,
} from "../../static/js/protocol/commands.js";
import { Decoder } from "../../static/js/protocol/events.js";

test("a frame of a type that a newer server invented is ignored and counted", () => {
  const decoder = new Decoder();
  assert.equal(decoder.decode('{"type":"story.created","story":{}}'), null);
  assert.equal(decoder.decode('{"type":"toString"}'), null);
  assert.equal(decoder.unknown, 2);
});

test("a known frame with a field that a newer server added is read", () => {
  assert.equal(new Decoder().decode('{"type":"pong","now":"x","weather":"fine"}').weather, "fine");
});

test("what is no frame, or lacks what we need of it, is dropped and counted", () => {
  const decoder = new Decoder();
  for (const text of ["", "{", "null", "3", "[]", '{"type":3}', '{"type":"message.created","room":"dm-a"}'])
    assert.equal(decoder.decode(text), null);
  assert.equal(decoder.broken, 7);
});

test("commands carry exactly the fields of the dictionary", () => {
  assert.deepEqual(messageSend({ room: "dm-a", id: "u", body: "hi", state: "pending", at: 3 }), {
    type: "message.send",
    room: "dm-a",
    id: "u",
    body: "hi",
    ref: "u",
  });
  assert.deepEqual(messageSend({ room: "dm-a", id: "u", body: "hi", reply_to: 4 }).reply_to, 4);
  assert.deepEqual(receiptSet({ room: "dm-a", delivered: 4, read: 0 }), {
    type: "receipt.set",
    room: "dm-a",
    delivered: 4,
    ref: "receipt:dm-a",
  });
  assert.deepEqual(syncRoom({ room: "dm-a", version: 7, mark: 2 }), {
    type: "sync",
    rooms: { "dm-a": 7 },
    marks: { "dm-a": 2 },
    ref: "sync:dm-a",
  });
  assert.deepEqual(syncHeads(), { type: "sync", rooms: {} });
  assert.deepEqual(ping(true), { type: "ping", visible: true });
});

test("commands equal the golden ones, except for optional fields", () => {
  const golden = (type) =>
    JSON.parse(readFileSync(new URL(`../protocol/golden/${type}.json`, import.meta.url), "utf8"));
  const { room, id, body, reply_to } = golden("message.send");
  const built = [
    messageSend({ room, id, body, reply_to }),
    receiptSet({ room, delivered: 1, read: 1 }),
    syncRoom({ room, version: 1, mark: 1 }),
    ping(true),
    roomOpen({ room }),
    typingSet({ room, on: true }),
    commandFrame({ room, id, command: { type: "message.edit", seq: 1, body, version: 1 } }),
    commandFrame({ room, id, command: { type: "message.delete", seq: 1, scope: "me" } }),
    commandFrame({ room, id, command: { type: "draft.set", body } }),
  ];
  for (const command of built)
    assert.deepEqual(
      Object.keys({ ...command, ref: "" }).sort(),
      Object.keys({ ...golden(command.type), ref: "" }).sort(),
      command.type,
    );
});

test("every golden event of the server is understood", () => {
  const folder = new URL("../protocol/golden/", import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  assert.ok(names.length > 10);
  const commands = new Set([
    "message.send",
    "message.edit",
    "message.delete",
    "reaction.set",
    "draft.set",
    "receipt.set",
    "sync",
    "ping",
    "room.open",
    "room.close",
    "typing.set",
  ]);
  for (const name of names) {
    const frame = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
    if (typeof frame.type !== "string" || commands.has(frame.type)) continue;
    assert.ok(new Decoder().decode(JSON.stringify(frame)), `${name} is not understood`);
  }
});
