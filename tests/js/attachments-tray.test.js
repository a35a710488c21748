import assert from "node:assert/strict";
import test from "node:test";
import { fileSize, playTime } from "../../static/js/lib/file-size.js";
import { Store } from "../../static/js/net/store.js";
import { idsInTrays, kindOf, Tray, trayOf } from "../../static/js/state/attachments-tray.js";
import { fakeStorage, settle } from "./helpers/clock.js";

function chat({ storage = fakeStorage(), room = "r", ids = room, per_message = 4 } = {}) {
  const store = new Store({ storage, user: "u-alice" });
  const kept = new Map();
  const dropped = [];
  let next = 0;
  const files = {
    keep: async (id, blob) => (kept.set(id, blob), !blob.isRefused),
    copy: async (from, to) => void kept.set(to, kept.get(from)),
    isAtRisk: (isUsed) => [...kept].some(([id, blob]) => blob.isRefused && isUsed(id)),
  };
  const tray = new Tray({
    ...{ room, store, files },
    newId: () => `${ids}${(next += 1)}`,
    limits: () => ({ max_bytes: 1_000, per_message }),
    onChange: () => {},
    dropped: (ids) => dropped.push(...ids),
  });
  return { tray, store, storage, kept, dropped, ids: () => tray.items.map(({ id }) => id) };
}

const file = (name, type, size = 100) => ({ name, type, size });
const PICTURE = file("pier.jpg", "image/jpeg");
const CLIP = file("waves.mp4", "video/mp4");
const PAPER = file("map.pdf", "application/pdf");

test("JPEG, PNG, WebP and GIF are pictures, MP4 and WebM videos, everything else a file", () => {
  const types = ["image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "video/webm"];
  assert.deepEqual(
    types.map((type) => kindOf({ type })),
    [...Array(4).fill("picture"), ...Array(2).fill("video")],
  );
  for (const type of ["image/svg+xml", "image/heic", "video/quicktime", "audio/mpeg", "text/html", ""])
    assert.equal(kindOf({ type }), "file", type);
});

test("what is taken has its order, its description, and is empty afterwards", () => {
  const { tray, kept, ids, store } = chat();
  tray.add([PICTURE, CLIP, PAPER]);
  assert.deepEqual(
    [ids(), [...kept.keys()]],
    [
      ["r1", "r2", "r3"],
      ["r1", "r2", "r3"],
    ],
  );
  assert.equal(tray.move("r3", -2), true);
  assert.equal(tray.move("r3", -1), false);
  tray.change("r1", { alt: "boats at dusk" });
  tray.change("r2", { seconds: 12.3 });
  assert.deepEqual(tray.take(), {
    attachments: [
      { id: "r3", kind: "file", name: "map.pdf", size: 100, type: "application/pdf" },
      { id: "r1", kind: "picture", name: "pier.jpg", size: 100, type: "image/jpeg", alt: "boats at dusk" },
      { id: "r2", kind: "video", name: "waves.mp4", size: 100, seconds: 12.3, type: "video/mp4" },
    ],
  });
  assert.deepEqual([tray.isFilled, tray.take(), idsInTrays(store)], [false, {}, []]);
});

test("a picture that is sent as a file keeps its bytes and loses its description", () => {
  const { tray } = chat();
  tray.add([PICTURE], { asFile: true });
  tray.change("r1", { alt: "boats" });
  assert.deepEqual(tray.take().attachments, [
    { id: "r1", kind: "file", name: "pier.jpg", size: 100, type: "image/jpeg" },
  ]);
});

test("too large and too many stay outside, and the rest is taken", () => {
  const { tray, ids } = chat();
  const large = file("film.mp4", "video/mp4", 1_001);
  const { added, tooLarge, tooMany } = tray.add([PICTURE, large, CLIP, PAPER, PICTURE, PICTURE]);
  assert.deepEqual([added.length, tooLarge, tooMany], [4, [large], [PICTURE]]);
  assert.deepEqual(tray.add([PAPER]).tooMany, [PAPER]);
  assert.equal(ids().length, 4);
});

test("a tray survives a reload, and another chat has its own", () => {
  const { tray, storage, store } = chat();
  tray.add([PICTURE, PAPER]);
  tray.change("r1", { alt: "boats" });
  const after = chat({ storage });
  assert.deepEqual(
    after.tray.items.map(({ id, alt }) => [id, alt]),
    [
      ["r1", "boats"],
      ["r2", undefined],
    ],
  );
  const other = chat({ storage, room: "q" });
  assert.equal(other.tray.isFilled, false);
  other.tray.add([PICTURE]);
  assert.deepEqual(idsInTrays(store), ["r1", "r2", "q1"]);
});

test("a removed file is dropped; one that another tab has sent is gone from this one", () => {
  const { tray, storage, dropped, ids } = chat();
  tray.add([PICTURE, PAPER]);
  tray.remove("r1");
  assert.deepEqual([ids(), dropped], [["r2"], ["r1"]]);
  const other = chat({ storage });
  other.tray.take();
  tray.reload();
  assert.deepEqual(ids(), []);
});

test("of two tabs that do not hear each other none sends a file twice, and none loses one", () => {
  const { tray, storage, ids } = chat();
  const other = chat({ storage, ids: "other" });
  tray.add([PICTURE]);
  other.tray.add([file("other.pdf", "application/pdf")]);
  tray.change("r1", { alt: "boats" });
  assert.deepEqual(
    other.tray.read().items.map(({ name, alt }) => [name, alt]),
    [
      ["pier.jpg", "boats"],
      ["other.pdf", undefined],
    ],
  );
  other.tray.add([PICTURE, PICTURE, PICTURE]);
  assert.equal(ids().length, 2, "not heard of yet");
  assert.deepEqual(tray.add([PAPER]).tooMany, [PAPER]);
  assert.equal(other.tray.take().attachments.length, 4);
  assert.deepEqual([tray.take(), tray.isFilled], [{}, false]);
});

test("a browser that stores nothing has one tray, which no news of other tabs empties", () => {
  const storage = Object.assign(Object.create({ getItem: () => null, removeItem() {} }));
  const { tray, ids } = chat({ storage });
  tray.add([PICTURE]);
  tray.add([PAPER]);
  tray.reload();
  assert.deepEqual(ids(), ["r1", "r2"]);
  assert.equal(tray.take().attachments.length, 2);
  assert.equal(tray.isFilled, false);
});

test("what could not be sent comes back before what is there, under new ids", async () => {
  const { tray, kept, ids, dropped } = chat();
  tray.add([PICTURE]);
  const { attachments } = tray.take();
  tray.add([PAPER]);
  tray.restore(attachments);
  await settle();
  assert.deepEqual([ids(), kept.get("r3"), dropped], [["r3", "r2"], PICTURE, ["r1"]]);
  assert.deepEqual(
    tray.items.map(({ name, canBe }) => [name, canBe]),
    [
      ["pier.jpg", "picture"],
      ["map.pdf", "file"],
    ],
  );
  tray.restore(undefined);
  assert.equal(ids().length, 2);
});

test("more files than a message can have go in two messages, and none is lost", () => {
  const { tray, ids } = chat();
  tray.add([PICTURE, PICTURE, PICTURE]);
  const { attachments } = tray.take();
  tray.add([PAPER, PAPER]);
  tray.restore(attachments);
  assert.deepEqual([ids().length, tray.take().attachments.length], [5, 4]);
  assert.deepEqual([ids(), tray.take().attachments.length, tray.isFilled], [["r5"], 1, false]);
});

test("a picture that the server refused comes back as a file, and what is no longer here does not", () => {
  const { tray, store } = chat();
  tray.add([PICTURE, CLIP, PAPER]);
  const { attachments } = tray.take();
  attachments[0].refused = "damaged";
  attachments[1].refused = "missing";
  tray.restore(attachments);
  assert.deepEqual(
    tray.items.map(({ name, kind, refused, isRefused }) => [name, kind, refused, isRefused]),
    [
      ["pier.jpg", "file", undefined, true],
      ["map.pdf", "file", undefined, undefined],
    ],
  );
  assert.deepEqual(trayOf(store, "r"), tray.items);
  assert.ok(tray.take().attachments.every((file) => !("isRefused" in file)));
});

test("a file that the browser does not store is at risk as long as it is here", async () => {
  const { tray } = chat();
  tray.add([Object.assign(file("a.png", "image/png"), { isRefused: true })]);
  assert.equal(tray.isAtRisk, true);
  tray.remove("r1");
  assert.equal(tray.isAtRisk, false);
});

test("sizes and times are told in the reader's language", () => {
  assert.deepEqual(
    [0, 999, 1_000, 640_400, 1_240_000, 104_857_600, 5_368_709_120].map((bytes) => fileSize(bytes, "en")),
    ["0 byte", "999 byte", "1 kB", "640 kB", "1.2 MB", "105 MB", "5.4 GB"],
  );
  const written = ["ru", "pt-BR"].map((language) => fileSize(1_240_000, language).replace("\u00a0", " "));
  assert.deepEqual(written, ["1,2 МБ", "1,2 MB"]);
  assert.deepEqual([0, 7, 64.6, 3_725].map(playTime), ["0:00", "0:07", "1:05", "1:02:05"]);
});
