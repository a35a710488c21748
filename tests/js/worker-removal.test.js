import assert from "node:assert/strict";
import test from "node:test";
import { removeWorker } from "../../static/js/net/worker-removal.js";

/** A browser with a worker that another tab is still installing. */
function browser() {
  const done = [];
  const stored = new Set(["something else"]);
  const registration = {
    unregister: async () => {
      stored.add("offline-1").add("shared-files");
      done.push("unregistered");
    },
  };
  return {
    done,
    stored,
    serviceWorker: { getRegistrations: async () => [registration] },
    caches: { keys: async () => [...stored], delete: async (name) => stored.delete(name) },
  };
}

test("where no user is logged in, the worker is unregistered and what it cached meanwhile is deleted", async () => {
  const world = browser();
  await removeWorker(world);
  assert.deepEqual(world.done, ["unregistered"]);
  assert.deepEqual([...world.stored], ["something else"]);
});

test("a browser without workers or caches has nothing to remove", async () => {
  await removeWorker({ serviceWorker: undefined, caches: undefined });
});
