import assert from "node:assert/strict";
import test from "node:test";

import { Album } from "../../static/js/state/attachments-album.js";

const file = (id) => ({ id, kind: "picture", name: `${id}.jpg` });
const message = (seq, ...ids) => ({ seq, sender: "bob", created_at: "2026", attachments: ids.map(file) });
const item = (seq, id) => ({ ...file(id), seq, sender: "bob", created_at: "2026" });

/** Pages of the server, the newest first, `size` pictures each. */
function server(items, size = 2) {
  const asked = [];
  const load = async (cursor) => {
    asked.push(cursor);
    const from = cursor ?? 0;
    const next = from + size < items.length ? from + size : null;
    return { items: items.slice(from, from + size), next };
  };
  return { load, asked };
}

const AT_END = { oldest: 5, latest: Infinity, isAtEnd: true, complete: false };

test("within the messages on the page nothing is asked", async () => {
  const { load, asked } = server([]);
  const album = new Album({ load });
  album.show([message(5, "a", "b"), message(6), message(7, "c")], AT_END);
  assert.equal((await album.neighbour("a", 1)).id, "b");
  assert.equal((await album.neighbour("b", 1)).id, "c");
  assert.equal((await album.neighbour("c", -1)).id, "b");
  assert.equal(await album.neighbour("c", 1), null);
  assert.deepEqual(asked, []);
});

test("older pictures than those on the page come from the server, page by page", async () => {
  const { load, asked } = server([item(7, "c"), item(5, "a"), item(5, "b"), item(3, "x"), item(1, "y")]);
  const album = new Album({ load });
  album.show([message(5, "a", "b"), message(7, "c")], AT_END);
  assert.equal((await album.neighbour("b", -1)).id, "a");
  assert.deepEqual(asked, []);
  // The last page that was needed: message 3 might have had another picture on it.
  assert.equal((await album.neighbour("a", -1)).id, "x");
  assert.deepEqual(asked, [null, 2, 4]);
  assert.equal((await album.neighbour("x", -1)).id, "y");
  assert.equal(await album.neighbour("y", -1), null);
  assert.equal(asked.length, 3);
  assert.deepEqual(
    album.items.map(({ id }) => id),
    ["y", "x", "a", "b", "c"],
  );
});

test("a reader far above the end gets the pictures between there and the end, without a gap", async () => {
  const { load } = server([item(90, "z"), item(60, "m"), item(50, "l"), item(10, "b"), item(9, "a")]);
  const album = new Album({ load });
  album.show([message(9, "a"), message(10, "b")], { oldest: 8, latest: 12, isAtEnd: false, complete: false });
  assert.equal((await album.neighbour("b", 1)).id, "l");
  assert.equal((await album.neighbour("l", 1)).id, "m");
  assert.equal((await album.neighbour("m", 1)).id, "z");
  assert.equal(await album.neighbour("z", 1), null);
});

test("a message whose pictures are split over two pages of the server stays whole", async () => {
  const { load } = server([item(4, "a"), item(4, "b"), item(4, "c"), item(2, "x")]);
  const album = new Album({ load });
  album.show([], { oldest: Infinity, latest: 0, isAtEnd: false, complete: false });
  album.show([message(9, "q")], AT_END);
  assert.equal((await album.neighbour("q", -1)).id, "c");
  assert.equal((await album.neighbour("c", -1)).id, "b");
  assert.equal((await album.neighbour("a", -1)).id, "x");
});

test("a deleted message takes its pictures along, also one that the server has told of before", async () => {
  const { load } = server([item(7, "c"), item(3, "x"), item(1, "y")]);
  const album = new Album({ load });
  album.show([message(5, "a"), message(7, "c")], AT_END);
  album.show([{ ...message(5, "a"), deleted_at: "2026" }, message(7, "c")], AT_END);
  assert.equal(album.get("a"), null);
  album.remove(3);
  assert.equal((await album.neighbour("c", -1)).id, "y");
  album.show([{ ...message(7, "c"), deleted_for_me: true }], AT_END);
  assert.deepEqual(
    album.items.map(({ id }) => id),
    ["y"],
  );
});

test("an undone deletion brings the picture back", () => {
  const album = new Album({ load: null });
  album.show([message(5, "a")], AT_END);
  album.remove(5);
  assert.equal(album.get("a"), null);
  album.show([message(5, "a")], AT_END);
  assert.equal(album.get("a").seq, 5);
});

test("without a connection the next picture is refused, and can be asked for again", async () => {
  let isOn = false;
  const load = async () => {
    if (!isOn) throw new Error("offline");
    return { items: [item(5, "a"), item(3, "x")], next: null };
  };
  const album = new Album({ load });
  album.show([message(5, "a")], AT_END);
  await assert.rejects(album.neighbour("a", -1));
  isOn = true;
  assert.equal((await album.neighbour("a", -1)).id, "x");
});

test("files that are no pictures, and what is not sent yet, are left out", () => {
  const album = new Album({ load: null });
  const voice = { id: "v", kind: "voice" };
  album.show([{ ...message(5, "a"), attachments: [voice, file("a")] }, { ...message(6, "p"), seq: null }], AT_END);
  assert.deepEqual(
    album.items.map(({ id }) => id),
    ["a"],
  );
});
