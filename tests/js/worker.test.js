import assert from "node:assert/strict";
import test from "node:test";
import { takeShared } from "../../static/js/net/shared-files.js";
import { serve } from "../../static/js/net/worker.js";

const CONFIG = { cache: "offline-2", page: "/offline/", files: ["/static/css/kind-page.abc.css"], share: "/share/" };
const HOST = "https://chat.example.org";

/** A browser around the worker: its caches, its network, and what the worker asked it for. */
class World {
  handlers = {};
  stored = new Map();
  asked = [];
  isOnline = true;
  hasPreload = true;
  registration = { navigationPreload: { enable: async () => this.asked.push("preload") } };
  clients = { claim: async () => this.asked.push("claim") };
  caches = {
    open: async (name) => {
      if (!this.stored.has(name)) this.stored.set(name, new Map());
      const files = this.stored.get(name);
      return {
        put: async (path, response) => void files.set(path, response),
        match: async (path) => files.get(path),
        keys: async () => [...files.keys()],
        addAll: async (requests) =>
          requests.forEach(({ url }) => files.set(new URL(url).pathname, `kept ${new URL(url).pathname}`)),
      };
    },
    has: async (name) => this.stored.has(name),
    match: async (path, { cacheName }) => this.stored.get(cacheName)?.get(path),
    keys: async () => [...this.stored.keys()],
    delete: async (name) => this.stored.delete(name),
  };

  constructor(config = CONFIG) {
    globalThis.Request = class extends RealRequest {
      constructor(path, options) {
        super(new URL(path, HOST), options);
      }
    };
    globalThis.fetch = async ({ url }) => {
      if (!this.isOnline) throw new TypeError("no network");
      return `fetched ${new URL(url).pathname}`;
    };
    serve(this, config);
  }

  addEventListener(type, run) {
    this.handlers[type] = run;
  }

  async skipWaiting() {
    this.asked.push("skip waiting");
  }

  /** Let the worker live through "install" or "activate". */
  async live(type) {
    let work;
    this.handlers[type]({ waitUntil: (promise) => (work = promise) });
    await work;
  }

  /** What the page gets; undefined when the worker leaves it to the browser. */
  async ask(path, { method = "GET", mode = "cors", form = null } = {}) {
    let answer;
    const preloadResponse =
      mode === "navigate" && this.hasPreload
        ? this.isOnline
          ? Promise.resolve(`preloaded ${path}`)
          : Promise.reject(new TypeError("no network"))
        : Promise.resolve(undefined);
    preloadResponse.catch(() => {});
    this.handlers.fetch({
      request: { url: HOST + path, method, mode, formData: async () => form },
      preloadResponse,
      respondWith: (promise) => (answer = promise),
    });
    return answer && (await answer);
  }

  get kept() {
    return [...this.stored.values()].flatMap((files) => [...files.keys()]);
  }
}

const RealRequest = globalThis.Request;
const realFetch = globalThis.fetch;
test.afterEach(() => Object.assign(globalThis, { Request: RealRequest, fetch: realFetch }));

test("an installed worker keeps the offline page and what it is drawn with, and takes over at once", async () => {
  const world = new World();
  await world.live("install");
  assert.deepEqual(world.kept, ["/offline/", "/static/css/kind-page.abc.css"]);
  await world.live("activate");
  assert.deepEqual(world.asked, ["skip waiting", "preload", "claim"]);
});

test("a new version throws away what the old one kept, and nothing that is not the worker's", async () => {
  const world = new World();
  for (const name of ["offline-1", "something else"]) await world.caches.open(name);
  await world.live("install");
  await world.live("activate");
  assert.deepEqual(await world.caches.keys(), ["something else", "offline-2"]);
});

test("a page comes from the network while there is one, and the offline page when there is none", async () => {
  const world = new World();
  await world.live("install");
  assert.equal(await world.ask("/chats/", { mode: "navigate" }), "preloaded /chats/");
  world.hasPreload = false;
  assert.equal(await world.ask("/chats/", { mode: "navigate" }), "fetched /chats/");
  world.isOnline = false;
  assert.equal(await world.ask("/chats/", { mode: "navigate" }), "kept /offline/");
  world.hasPreload = true;
  assert.equal(await world.ask("/chats/", { mode: "navigate" }), "kept /offline/");
});

test("messages, answers of the API and forms pass by, online and offline, and nothing of them is kept", async () => {
  const world = new World();
  await world.live("install");
  const before = world.kept;
  for (const isOnline of [true, false]) {
    world.isOnline = isOnline;
    assert.equal(await world.ask("/api/v1/conversations/dm-a/messages"), undefined);
    assert.equal(await world.ask("/static/js/pages/shell.abc.js"), undefined);
    assert.equal(await world.ask("/chats/dm-a/", { method: "POST", mode: "navigate" }), undefined);
    await world.ask("/chats/dm-a/", { mode: "navigate" });
  }
  assert.deepEqual(world.kept, before);
});

test("the files of the offline page come from the cache, and from the network when that was wiped", async () => {
  const world = new World();
  await world.live("install");
  assert.equal(await world.ask(CONFIG.files[0]), `kept ${CONFIG.files[0]}`);
  world.stored.clear();
  assert.equal(await world.ask(CONFIG.files[0]), `fetched ${CONFIG.files[0]}`);
  assert.deepEqual(await world.caches.keys(), [], "reading must not create the cache again");
});

test("after a wipe, without a network, the browser shows its own error", async () => {
  const world = new World();
  world.isOnline = false;
  assert.equal((await world.ask("/chats/", { mode: "navigate" })).type, "error");
});

test("where files have no hashed names the worker keeps nothing and stands in for nothing", async () => {
  const world = new World({ cache: "offline-0", page: null, files: [] });
  await world.live("install");
  assert.deepEqual(world.kept, []);
  assert.equal(await world.ask("/chats/", { mode: "navigate" }), undefined);
});

const shared = (...entries) => {
  const form = new FormData();
  for (const [name, value] of entries) form.append(name, value);
  return { method: "POST", mode: "navigate", form };
};
const photo = (name) => ["files", new File(["bytes of it"], name, { type: "image/jpeg" })];

test("pictures that another app shares wait for the page of the chats, which takes them once", async () => {
  const world = new World();
  const answer = await world.ask("/share/", shared(photo("пирс & бухта.jpg"), photo("b.jpg"), ["text", "look"]));
  assert.deepEqual([answer.status, answer.headers.get("Location")], [303, `${HOST}/chats/?shared-files`]);
  const { files, caption } = await takeShared(world.caches);
  assert.equal(caption, "look");
  assert.deepEqual(
    files.map(({ name, type }) => [name, type]),
    [
      ["пирс & бухта.jpg", "image/jpeg"],
      ["b.jpg", "image/jpeg"],
    ],
  );
  assert.equal(await files[0].text(), "bytes of it");
  const nothing = { files: [], caption: "" };
  assert.deepEqual([await takeShared(world.caches), await takeShared(undefined)], [nothing, nothing]);
});

for (const [title, text, url, caption] of [
  ["The pier", "Look", "https://example.org/a", "The pier\nLook\nhttps://example.org/a"],
  ["", "Look: https://example.org/a", "https://example.org/a", "Look: https://example.org/a"],
  ["Look", "Look", " ", "Look"],
  ["", "x".repeat(9_000), "", "x".repeat(8_000)],
])
  test(`pictures shared with "${text.slice(0, 30)}" keep it as their caption, each part once`, async () => {
    const world = new World();
    const words = Object.entries({ title, text, url });
    await world.ask("/share/", shared(photo("a.jpg"), ...words));
    assert.equal((await takeShared(world.caches)).caption, caption);
  });

test("shared again, what was shared before is replaced, and more than ten are not kept", async () => {
  const world = new World();
  await world.ask("/share/", shared(photo("before.jpg")));
  await world.ask("/share/", shared(...Array.from({ length: 12 }, (_, at) => photo(`${at}.jpg`))));
  const { files } = await takeShared(world.caches);
  assert.deepEqual(
    files.map(({ name }) => name),
    Array.from({ length: 10 }, (_, at) => `${at}.jpg`),
  );
});

test("a shared link goes to the server by GET; any other form passes by", async () => {
  const world = new World();
  const answer = await world.ask("/share/", shared(["url", `${HOST}/i/Abc/`], ["title", "an invite"]));
  const { pathname, searchParams } = new URL(answer.headers.get("Location"));
  assert.deepEqual(
    [pathname, searchParams.get("url"), searchParams.get("title")],
    ["/share/", `${HOST}/i/Abc/`, "an invite"],
  );
  assert.equal(await world.ask("/chats/dm-a/", shared(photo("a.jpg"))), undefined);
  assert.equal(await world.ask("/share/", { method: "POST" }), undefined, "a request of a page");
});
