import assert from "node:assert/strict";
import test from "node:test";
import { AsyncStore } from "../../static/js/net/async-store.js";
import { Store, wipeOthers } from "../../static/js/net/store.js";
import { fakeStorage } from "./helpers/clock.js";
import { FakeIndexedDB } from "./helpers/indexed-db.js";

function browser({ indexedDB = new FakeIndexedDB(), storage = fakeStorage(), user = "u-alice" } = {}) {
  globalThis.indexedDB = indexedDB;
  const store = new Store({ storage, user });
  return { storage, indexedDB, store, large: new AsyncStore({ store, user }) };
}

const FILE = { name: "photo.jpg", bytes: new Uint8Array([1, 2, 3]) };

test("a file is kept in IndexedDB, everything else where it can be read at once", async () => {
  const { storage, indexedDB, store, large } = browser();
  assert.equal(await large.set("file:a", FILE), true);
  assert.equal(await large.set("draft:r", { text: "hello" }), true);
  assert.deepEqual(store.get("draft:r"), { text: "hello" });
  assert.deepEqual([...indexedDB.databases.get("entre:u-alice:database").keys()], ["file:a"]);
  assert.deepEqual(Object.keys(storage), ["entre:u-alice:database", "entre:u-alice:draft:r"]);
});

test("what was stored is there after a reload, until it is removed", async () => {
  const first = browser();
  await first.large.set("file:a", FILE);
  await first.large.set("file:b", FILE);
  const { large } = browser(first);
  assert.deepEqual([await large.get("file:a"), await large.keys("file:")], [FILE, ["file:a", "file:b"]]);
  await large.remove("file:a");
  assert.deepEqual([await large.get("file:a"), await large.keys("file:")], [null, ["file:b"]]);
});

test("an account that never kept a file has no database, not even after reading", async () => {
  const { indexedDB, large } = browser();
  assert.deepEqual([await large.get("file:a"), await large.keys("file:")], [null, []]);
  assert.equal(indexedDB.databases.size, 0);
});

test("a full disk, and a browser without IndexedDB, report that nothing was stored", async () => {
  const full = browser();
  full.indexedDB.isFull = true;
  assert.equal(await full.large.set("file:a", FILE), false);
  const without = browser({ indexedDB: null });
  assert.deepEqual([await without.large.set("file:a", FILE), await without.large.get("file:a")], [false, null]);
});

test("a log-out, and another account, delete the database as well", async () => {
  const alice = browser();
  await alice.large.set("file:a", FILE);
  wipeOthers("u-bob", alice.storage);
  assert.equal(alice.indexedDB.databases.size, 0);
  await alice.large.set("file:a", FILE);
  alice.store.end();
  assert.equal(alice.indexedDB.databases.size, 0);
  assert.equal(await alice.large.set("file:b", FILE), true, "said to be kept, as by the Store");
  assert.deepEqual([alice.indexedDB.databases.size, Object.keys(alice.storage)], [0, []]);
});
