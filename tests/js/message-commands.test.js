import assert from "node:assert/strict";
import test from "node:test";
import { Store } from "../../static/js/net/store.js";
import { applied, MessageCommands, reactionOf } from "../../static/js/state/message-commands.js";
import { Outbox } from "../../static/js/state/outbox.js";
import { FakeClock, fakeStorage, keysOf } from "./helpers/clock.js";

const ALICE = "u-alice";
const BOB = "u-bob";
const ROOM = "dm-open";

const MINE = {
  seq: 3,
  version: 3,
  id: "m-3",
  sender: ALICE,
  kind: "text",
  body: "helo",
  reactions: [],
  created_at: "2026-11-21T11:59:00.000Z",
  edited_at: null,
  deleted_at: null,
};
const THEIRS = { ...MINE, seq: 2, version: 2, id: "m-2", sender: BOB, body: "how are you" };

/** Alice's browser: what it sent, and what it shows of a message. */
function browser({ clock = new FakeClock(), storage = fakeStorage(), names = "abcdefgh", isLive = false } = {}) {
  const sent = [];
  let next = 0;
  const outbox = new Outbox({
    clock,
    store: new Store({ storage, user: ALICE }),
    newId: () => names[next++],
    send: (command) => Boolean(sent.push(command)),
    post: async () => ({}),
  });
  const commands = new MessageCommands({ outbox, clock, me: ALICE });
  if (isLive) outbox.setLive(true);
  return { clock, storage, outbox, commands, sent, shown: (message) => commands.shown(ROOM, message) };
}
const edit = (tab, body, message = MINE) => tab.commands.edit({ room: ROOM, message, body });
const react = (tab, emoji, message = THEIRS) => tab.commands.react({ room: ROOM, message, emoji });
const types = ({ sent }) => sent.map(({ type, emoji, on }) => [type, emoji, ...(on ? [] : [on])]);

test("an edit shows at once, says that it waits, and survives a reload", () => {
  const before = browser();
  edit(before, "hello");
  const after = browser({ storage: before.storage });
  for (const tab of [before, after]) {
    const { body, edited_at: at, isSaving } = tab.shown(MINE);
    assert.deepEqual([body, Boolean(at), isSaving], ["hello", true, true]);
  }
  after.outbox.setLive(true);
  assert.deepEqual(after.sent, [
    { type: "message.edit", room: ROOM, seq: 3, body: "hello", version: 3, ref: "a" },
  ]);
});

test("of two edits before the first was sent only the second is sent, for the number that alice has seen", () => {
  const tab = browser();
  edit(tab, "hello");
  edit(tab, "hello bob", { ...MINE, version: 9, reactions: [{ emoji: "👍", users: [BOB] }] });
  tab.outbox.setLive(true);
  assert.deepEqual(tab.sent, [
    { type: "message.edit", room: ROOM, seq: 3, body: "hello bob", version: 3, ref: "b" },
  ]);
});

test("an edit back to what the server has sends nothing", () => {
  const tab = browser();
  edit(tab, "hello");
  assert.equal(edit(tab, "helo"), null);
  tab.outbox.setLive(true);
  assert.deepEqual([tab.sent, keysOf(tab.storage)], [[], []]);
});

test("between the answer and the event the new text stays, and after it the server's state counts", () => {
  const tab = browser({ isLive: true });
  edit(tab, "hello");
  tab.outbox.accepted("a", 7);
  assert.deepEqual([tab.shown(MINE).body, tab.shown(MINE).isSaving], ["hello", false]);
  assert.equal(tab.shown({ ...MINE, version: 8, body: "changed on the phone" }).body, "changed on the phone");
});

test("a refused edit shows the server's text again, and keeps alice's with the reason", () => {
  for (const code of ["edit_window_closed", "gone", "forbidden", "cannot_deliver"]) {
    const tab = browser({ isLive: true });
    edit(tab, "hello");
    tab.outbox.refused({ id: "a", code });
    const { body, failed } = tab.shown(MINE);
    assert.deepEqual([body, failed], ["helo", { id: "a", reason: code, body: "hello" }]);
    assert.deepEqual(browser({ storage: tab.storage }).shown(MINE).failed.body, "hello", "over a reload");
  }
});

test("a conflict with another text lets alice choose: hers is sent again for the newer number", () => {
  const tab = browser({ isLive: true });
  edit(tab, "hello");
  tab.outbox.refused({ id: "a", code: "conflict" });
  const newer = { ...MINE, version: 6, body: "hi" };
  tab.commands.settleFailed(ROOM, () => newer);
  assert.deepEqual([tab.shown(newer).body, tab.shown(newer).failed.body, tab.sent.length], ["hi", "hello", 1]);
  tab.commands.insist({ room: ROOM, message: newer, id: "a" });
  assert.deepEqual(tab.sent.at(-1), { type: "message.edit", room: ROOM, seq: 3, body: "hello", version: 6, ref: "b" });
  assert.equal(tab.shown(newer).body, "hello");
});

test("a reaction of bob meanwhile is no conflict that alice has to hear of", () => {
  const tab = browser({ isLive: true });
  edit(tab, "hello");
  tab.outbox.refused({ id: "a", code: "conflict" });
  const newer = { ...MINE, version: 6, reactions: [{ emoji: "👍", users: [BOB] }] };
  assert.deepEqual([tab.shown(newer).body, tab.shown(newer).failed], ["hello", undefined]);
  tab.commands.settleFailed(ROOM, () => newer);
  assert.deepEqual([tab.sent.at(-1).version, tab.sent.at(-1).body], [6, "hello"]);
});

test("an edit after one that is on its way does not conflict with it", () => {
  const tab = browser({ isLive: true });
  edit(tab, "hello");
  edit(tab, "hello bob");
  assert.equal(tab.shown(MINE).body, "hello bob");
  tab.outbox.accepted("a", 4);
  assert.equal(tab.sent.at(-1).version, 3);
  tab.outbox.refused({ id: "b", code: "conflict" });
  const newer = { ...MINE, version: 4, body: "hello" };
  tab.commands.settleFailed(ROOM, () => newer);
  const { version, body } = tab.sent.at(-1);
  assert.deepEqual([version, body, tab.shown(newer).body], [4, "hello bob", "hello bob"]);
});

test("a message is edited by its author, for a day, and not once it is deleted", () => {
  const { commands } = browser();
  const old = { ...MINE, created_at: "2026-11-20T11:59:00.000Z" };
  const over = { ...MINE, deleted_at: "2026-11-21T12:00:00.000Z" };
  assert.deepEqual(
    [MINE, THEIRS, old, over, { ...MINE, seq: null }, { ...MINE, kind: "system" }].map((one) => commands.canEdit(one)),
    [true, false, false, false, false, false],
  );
});

test("a deletion for both takes the waiting edit and reaction with it, and can be undone for a while", async () => {
  const tab = browser({ isLive: true });
  tab.outbox.setLive(false);
  edit(tab, "hello");
  react(tab, "👍", MINE);
  const entry = tab.commands.remove({ room: ROOM, message: MINE, scope: "everyone" });
  const { body, deleted_at: at } = tab.shown(MINE);
  assert.deepEqual([body, Boolean(at)], ["", true]);
  tab.outbox.setLive(true);
  assert.deepEqual(tab.sent, []);
  assert.equal(tab.outbox.withdraw(entry.id), entry);
  assert.equal(tab.shown(MINE).deleted_at, null);
  tab.commands.remove({ room: ROOM, message: MINE, scope: "everyone" });
  await tab.clock.advance(5_000);
  assert.deepEqual(tab.sent, [{ type: "message.delete", room: ROOM, seq: 3, scope: "everyone", ref: "d" }]);
});

test("deleted for alice alone, it is gone from her page and from nowhere else", () => {
  const tab = browser();
  tab.commands.remove({ room: ROOM, message: THEIRS, scope: "me" });
  const { deleted_for_me: isMine, deleted_at: at } = tab.shown(THEIRS);
  assert.deepEqual([isMine, at], [true, null]);
});

test("a refused deletion or reaction is given up, and the message shows as it was", async () => {
  const tab = browser({ isLive: true });
  tab.commands.remove({ room: ROOM, message: THEIRS, scope: "everyone" });
  react(tab, "👍");
  await tab.clock.advance(0);
  tab.outbox.refused({ id: "b", code: "gone" });
  await tab.clock.advance(5_000);
  tab.outbox.refused({ id: "a", code: "forbidden" });
  const given = tab.commands.settleFailed(ROOM, () => THEIRS);
  assert.deepEqual(
    given.map(({ command, reason }) => [command.type, reason]).sort(),
    [
      ["message.delete", "forbidden"],
      ["reaction.set", "gone"],
    ],
  );
  assert.deepEqual([tab.shown(THEIRS), keysOf(tab.storage)], [THEIRS, []]);
});

test("one reaction each: another emoji takes its place, the same one takes it back", () => {
  const bobs = { ...THEIRS, reactions: [{ emoji: "👍", users: [BOB] }] };
  const tab = browser();
  react(tab, "👍", bobs);
  assert.deepEqual(tab.shown(bobs).reactions, [{ emoji: "👍", users: [BOB, ALICE] }]);
  react(tab, "❤️", bobs);
  assert.deepEqual(tab.shown(bobs).reactions, [
    { emoji: "👍", users: [BOB] },
    { emoji: "❤️", users: [ALICE] },
  ]);
  react(tab, "❤️", bobs);
  assert.deepEqual(tab.shown(bobs).reactions, bobs.reactions);
  tab.outbox.setLive(true);
  assert.deepEqual(tab.sent, [], "back to where it began, nothing is sent");
});

test("a reaction that is pressed again while it is on its way is taken back after it", () => {
  const tab = browser({ isLive: true });
  react(tab, "👍");
  react(tab, "👍");
  assert.equal(reactionOf(tab.shown(THEIRS), ALICE), null);
  tab.outbox.accepted("a", 5);
  assert.deepEqual(types(tab), [
    ["reaction.set", "👍"],
    ["reaction.set", "👍", false],
  ]);
});

test("a message that was deleted meanwhile shows no edit and no reaction that still waits", () => {
  const tab = browser();
  edit(tab, "hello");
  react(tab, "👍", MINE);
  const over = { ...MINE, version: 9, body: "", deleted_at: "2026-11-21T12:00:00.000Z" };
  assert.deepEqual(tab.shown(over), over);
});

test("entries of other messages, of drafts and of messages change nothing", () => {
  const tab = browser();
  tab.outbox.addMessage({ room: ROOM, body: "hello" });
  tab.outbox.add({ room: ROOM, command: { type: "draft.set", body: "and" } });
  edit(tab, "hello");
  assert.equal(applied(THEIRS, tab.outbox.entries(ROOM), ALICE), THEIRS);
});

test("of an edit of a deleted message only alice's new words stay in the browser", () => {
  const tab = browser({ isLive: true });
  edit(tab, "hello bob");
  tab.outbox.refused({ id: "a", code: "gone" });
  const gone = { ...MINE, version: 6, body: "", deleted_at: "2026-01-01T00:00:00.000Z" };
  tab.commands.settleFailed(ROOM, () => gone);
  assert.equal(tab.shown(gone).failed.body, "hello bob");
  assert.equal(Object.values(tab.storage).join().includes('"helo"'), false);
});
