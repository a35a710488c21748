import assert from "node:assert/strict";
import test from "node:test";
import { NewRelease } from "../../static/js/view/new-release.js";

const field = (value = "", defaultValue = "") => ({ type: "textarea", value, defaultValue });

function page({
  release = "one",
  server = "two",
  isHidden = false,
  fields = [],
  hasDialog = false,
  isUnsent = false,
  remembers = true,
} = {}) {
  const page = {
    reloads: 0,
    said: [],
    memory: new Map(),
    server,
    isUnsent,
    root: { hidden: true, textContent: "  A new version is ready. Reload " },
  };
  page.document = {
    hidden: isHidden,
    addEventListener: (type, run) => (page.turn = run),
    querySelector: () => (hasDialog ? {} : null),
    querySelectorAll: () => fields,
  };
  page.hide = () => ((page.document.hidden = true), page.turn());
  page.watch = new NewRelease({
    root: page.root,
    release,
    document: page.document,
    ask: async () => {
      if (!page.server) throw new Error("no answer");
      return page.server;
    },
    isUnsent: () => page.isUnsent,
    announce: (text) => page.said.push(text),
    reload: () => page.reloads++,
    session: {
      get: (key) => page.memory.get(key) ?? null,
      set: (key, value) => remembers && Boolean(page.memory.set(key, value)),
    },
  });
  return page;
}

test("the same version, and a server that does not answer, change nothing", async () => {
  for (const server of ["one", null]) {
    const quiet = page({ server });
    await quiet.watch.check();
    quiet.hide();
    assert.deepEqual([quiet.root.hidden, quiet.reloads, quiet.said], [true, 0, []]);
  }
});

test("a new version is announced once, in one line, and a visible page stays", async () => {
  const open = page();
  await open.watch.check();
  await open.watch.check();
  assert.deepEqual([open.root.hidden, open.reloads, open.said], [false, 0, ["A new version is ready. Reload"]]);
});

test("a hidden tab reloads by itself, at once or when it is hidden", async () => {
  const away = page({ isHidden: true });
  await away.watch.check();
  assert.equal(away.reloads, 1);
  const left = page();
  await left.watch.check();
  left.hide();
  assert.equal(left.reloads, 1);
});

test("with text in a field, an unsent message or an open dialog it does not, until that is over", async () => {
  const text = field("half a senten");
  const typing = page({ isHidden: true, fields: [text] });
  await typing.watch.check();
  assert.equal(typing.reloads, 0);
  text.value = "";
  typing.turn();
  assert.equal(typing.reloads, 1);

  const sending = page({ isHidden: true, isUnsent: true });
  await sending.watch.check();
  assert.equal(sending.reloads, 0);
  const asked = page({ isHidden: true, hasDialog: true });
  await asked.watch.check();
  assert.equal(asked.reloads, 0);
  const ticked = page({
    isHidden: true,
    fields: [{ type: "checkbox", checked: true, defaultChecked: false, value: "on", defaultValue: "on" }],
  });
  await ticked.watch.check();
  assert.equal(ticked.reloads, 0);
});

test("two processes of different age do not send a hidden tab round in circles", async () => {
  const first = page({ isHidden: true });
  await first.watch.check();
  assert.equal(first.reloads, 1);
  first.turn();
  assert.equal(first.reloads, 1);
  const forgetful = page({ isHidden: true, remembers: false });
  await forgetful.watch.check();
  assert.equal(forgetful.reloads, 0);
});
