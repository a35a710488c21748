// A notification goes with what it tells of: read elsewhere, or deleted (docs/threats.md T63).
import assert from "node:assert/strict";
import test from "node:test";
import { Store } from "../../static/js/net/store.js";
import { Notifier } from "../../static/js/view/notifier.js";
import { FakeClock, fakeStorage, settle } from "./helpers/clock.js";
import { fakeDocument } from "./helpers/dom.js";

const WAIT_MS = 200;

class Shown {
  static permission = "granted";
  static all = [];
  isClosed = false;

  constructor() {
    Shown.all.push(this);
  }

  close() {
    this.isClosed = true;
  }
}

/** As on Android: pages may not make notifications, their worker may. */
function onAndroid() {
  const byWorker = [];
  const worker = {
    showNotification: async (title, { tag, body }) =>
      byWorker.push({ tag, body, close: () => byWorker.splice(0, byWorker.length) }),
    getNotifications: async ({ tag }) => byWorker.filter((one) => one.tag === tag),
  };
  const Refused = Object.assign(
    class {
      constructor() {
        throw new TypeError("Illegal constructor");
      }
    },
    { permission: "granted" },
  );
  return { byWorker, Notification: Refused, serviceWorker: { ready: Promise.resolve(worker) } };
}

/** Alice is away; bob's message has come. Returns what is needed to change its row. */
async function notified({ Notification, serviceWorker }) {
  fakeDocument();
  Object.assign(document, { hidden: true, hasFocus: () => false, addEventListener() {} });
  // It would keep the process alive.
  globalThis.BroadcastChannel = undefined;
  globalThis.Notification = Notification;
  const locks = { request: (name, run) => run() };
  Object.defineProperty(globalThis, "navigator", { value: { locks, serviceWorker }, configurable: true });
  const clock = new FakeClock();
  const store = new Store({ storage: fakeStorage(), user: "alice" });
  store.set("alerts", { isOn: true });
  const message = { seq: 1, body: "the key is under the mat" };
  const row = { peer: { name: "Bob" }, unread: 1, last_message: message };
  const list = { get: () => row, isMuted: () => false, rows: [row] };
  const said = { t: (text) => text, icon: "/icon.png", me: "alice" };
  const notifier = new Notifier({ ...said, store, clock, list, now: clock.now, current: () => null, open() {} });
  notifier.arrived("dm-a", message);
  await clock.advance(WAIT_MS);
  await settle();
  return { notifier, row };
}

test("a notification closes when bob deletes the message, or alice reads it on another device", async () => {
  for (const change of [{ last_message: { seq: 1, deleted_at: "2026-12-01" } }, { unread: 0 }]) {
    Shown.all = [];
    const { notifier, row } = await notified({ Notification: Shown });
    assert.equal(Shown.all.length, 1);
    notifier.changed("dm-a");
    assert.equal(Shown.all[0].isClosed, false);
    Object.assign(row, change);
    notifier.changed("dm-a");
    assert.equal(Shown.all[0].isClosed, true);
  }
});

test("so does one that a service worker has shown", async () => {
  const android = onAndroid();
  const { notifier, row } = await notified(android);
  assert.deepEqual(
    android.byWorker.map(({ body }) => body),
    ["the key is under the mat"],
  );
  Object.assign(row.last_message, { deleted_at: "2026-12-01" });
  notifier.changed("dm-a");
  await settle();
  assert.deepEqual(android.byWorker, []);
});
