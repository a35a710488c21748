import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import test from "node:test";

const HERE = dirname(fileURLToPath(import.meta.url));
const JS = join(HERE, "../../static/js");
const PARTIAL = join(HERE, "../../templates/partials/_preload.html");
const MODULES_AT_MOST = 32;
const DEPTH_AT_MOST = 5;

const source = (path) => readFileSync(path, "utf8");
const imports = (path) => [...source(path).matchAll(/^import .*?from "(.+?)";$/gm)].map(([, target]) => join(dirname(path), target));

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

const entries = readdirSync(join(JS, "pages")).map((name) => name.replace(".js", "")).filter((name) => name !== "shell");

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
  const paths = readdirSync(JS, { recursive: true }).filter((name) => name.endsWith(".js")).map((name) => join(JS, name));
  for (const path of paths) assert.doesNotMatch(source(path), /(?:setText\([^;]*,|textContent\s*=|aria-label",|status\(|alert\()\s*"[A-Z]/, relative(JS, path));
});

const SOURCES = new URL("../../static/js/", import.meta.url);
/** No page of anybody: the worker of the whole browser, and the page without a network. */
const NOBODYS = new Set(["net/worker.js", "pages/offline.js"]);

test("no module asks the service in the background without saying whose page it is", () => {
  const files = readdirSync(SOURCES, { recursive: true }).filter((file) => file.endsWith(".js") && !NOBODYS.has(file));
  const calls = files.flatMap((file) => {
    const source = readFileSync(new URL(file, SOURCES), "utf8");
    // What only hands the browser's own function on says nothing itself.
    return [...source.matchAll(/(?<![\w#.])fetch\((?!\.\.\.)|#fetch\(path/g)].map(({ index }) => ({ file, around: source.slice(index - 250, index + 400) }));
  });
  assert.ok(calls.length >= 6, "they are found at all");
  assert.deepEqual(calls.filter(({ around }) => !around.includes("X-Acting-User")).map(({ file }) => file), []);
});
