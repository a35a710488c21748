import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import test from "node:test";

const HERE = dirname(fileURLToPath(import.meta.url));
const JS = join(HERE, "../../static/js");
const PARTIAL = join(HERE, "../../templates/partials/_preload.html");
const MODULES_AT_MOST = 35;
const DEPTH_AT_MOST = 5;

const source = (path) => readFileSync(path, "utf8");
const imports = (path) =>
  [...source(path).matchAll(/^import [^;]*?from "(.+?)";$/gm)].map(([, target]) => join(dirname(path), target));

function graph(entry) {
  const depths = new Map();
  const walk = (path, depth) => {
    if ((depths.get(path) ?? 0) >= depth) return;
    depths.set(path, depth);
    for (const next of imports(path)) walk(next, depth + 1);
  };
  walk(join(JS, "pages", `${entry}.js`), 1);
  return depths;
}

const entries = readdirSync(join(JS, "pages"))
  .map((name) => name.replace(".js", ""))
  .filter((name) => name !== "shell");

for (const entry of entries) {
  test(`${entry} comes in few modules, not deeply nested`, () => {
    const depths = graph(entry);
    assert.ok(depths.size <= MODULES_AT_MOST, `${depths.size} modules`);
    assert.ok(Math.max(...depths.values()) <= DEPTH_AT_MOST, `depth ${Math.max(...depths.values())}`);
  });
}

test("the chat page names all its modules ahead, so that the browser fetches them side by side", () => {
  const named = [...source(PARTIAL).matchAll(/static 'js\/(.+?)'/g)].map(([, name]) => name).sort();
  const needed = [...graph("chats").keys()].map((path) => relative(JS, path)).sort();
  assert.deepEqual(named, needed);
});

test("every text that is shown passes through t, so that it can be translated", () => {
  const paths = readdirSync(JS, { recursive: true })
    .filter((name) => name.endsWith(".js"))
    .map((name) => join(JS, name));
  for (const path of paths)
    assert.doesNotMatch(
      source(path),
      /(?:setText\([^;]*,|textContent\s*=|aria-label",|status\(|alert\()\s*"[A-Z]/,
      relative(JS, path),
    );
});

/** These act for no user: the service worker of the whole browser, the offline page, and who loads a static file. */
const WITHOUT_USER = new Set(["net/worker.js", "pages/offline.js", "net/emoji-data.js"]);

test("no module asks the service in the background without saying whose page it is", () => {
  const files = readdirSync(JS, { recursive: true }).filter((file) => file.endsWith(".js") && !WITHOUT_USER.has(file));
  const calls = files.flatMap((file) => {
    const text = source(join(JS, file));
    // A module that only passes the browser's own function on makes no request itself.
    const found = [...text.matchAll(/(?<![\w#.])fetch\((?!\.\.\.)|#fetch\(path/g)];
    return found.map(({ index }) => ({ file, around: text.slice(index - 250, index + 400) }));
  });
  assert.ok(calls.length >= 6, "they are found at all");
  assert.deepEqual(
    calls.filter(({ around }) => !around.includes("X-Acting-User")).map(({ file }) => file),
    [],
  );
});

/**
 * The events of the shell (pages/shell.js) and of a chat session (pages/chat-session.js), with what a listener gets.
 */
const EVENTS = {
  frame: "an event of the server; for a session only while its chat is on the screen",
  reachability: "boolean: HTTP has to replace the socket",
  connection: "Connection: its state has changed",
  "http-command": "a command that the socket did not take; the part that sends it over HTTP returns true",
  arrival: "{room, message}: a new message of a peer",
  draft: "{room, draft}: this tab has stored it",
  change: "room: something of this chat has changed; null: of any chat",
  redraw: "the list has to be drawn again",
  shown: "another chat, or none, is on the screen",
  total: "the number of unread messages",
  "peer-renamed": "{room, rename}: `rename(title)` changes the title of a page",
  begin: "{seen, position, signal}: the chat is on the screen until `signal` aborts",
  end: "another chat takes its place",
  view: "the messages on the page, or the scroll position, have changed",
  unsent: "{failed, final, isAtRisk}: how many messages failed, and how many for good",
  peer: "{before, peer}: another name, username or picture",
  "to-message": "{seq, missing, keepsFocus}: the user wants to see that message; `missing()`: there is none",
  "to-end": "the user wants to see the newest message",
  "keep-position": "the page may be closed: store where the user is reading",
};

test("every event that a part subscribes to is emitted, and every event is in the list", () => {
  const all = readdirSync(JS, { recursive: true }).filter((file) => file.endsWith(".js"));
  const text = all.map((file) => source(join(JS, file))).join("\n");
  const names = (call) => new Set([...text.matchAll(call)].map(([, name]) => name));
  const known = new Set(Object.keys(EVENTS));
  assert.deepEqual(names(/events\.emit\(\s*"([^"]+)"/g), known);
  assert.deepEqual(names(/events\.on\(\s*"([^"]+)"/g), known);
});
