import assert from "node:assert/strict";
import test from "node:test";
import { Store } from "../../static/js/net/store.js";
import { Drafts } from "../../static/js/state/drafts.js";
import { FakeClock, fakeStorage } from "./helpers/clock.js";

/**
 * One browser: tabs of one account over one storage. `field` is what each message box shows; a background tab follows
 * what it hears.
 */
function browser({ hasChannel = true } = {}) {
  const clock = new FakeClock();
  const storage = fakeStorage();
  const tabs = [];
  function open(tab = `tab-${tabs.length + 1}`, before = null) {
    const mine = { field: "", isActive: false };
    const hear = (news) => {
      for (const other of tabs)
        if (other !== mine && !other.isActive)
          other.field = other.drafts.follow("r", other.field, news)?.text ?? other.field;
    };
    const onSaved = (room, draft, was) => hear(hasChannel ? { draft, was } : undefined);
    mine.drafts = new Drafts({ clock, tab, before, store: new Store({ storage, user: "u-alice" }), onSaved });
    mine.type = (text) => {
      for (const other of tabs) other.isActive = other === mine;
      mine.field = text;
      mine.drafts.set("r", { text, caret: text.length });
    };
    mine.send = () => ((mine.field = ""), mine.drafts.clear("r"));
    mine.leave = () => {
      mine.drafts.hold("r", { text: mine.field, caret: 0 });
      mine.drafts.flush();
      tabs.splice(tabs.indexOf(mine), 1);
    };
    mine.field = mine.drafts.take("r")?.text ?? "";
    tabs.push(mine);
    return mine;
  }
  return {
    clock,
    storage,
    open,
    kept: () =>
      Object.keys(storage)
        .map((name) => JSON.parse(storage[name]).text)
        .sort(),
  };
}

test("a draft is kept half a second after the last key", async () => {
  const { clock, open, kept } = browser();
  const tab = open();
  tab.type("hel");
  await clock.advance(400);
  tab.type("hello");
  await clock.advance(499);
  assert.deepEqual(kept(), []);
  await clock.advance(1);
  assert.deepEqual(open().drafts.get("r"), { text: "hello", caret: 5 });
});

test("a page that goes keeps the draft at once; sending takes it away at once", () => {
  const { open, storage } = browser();
  const tab = open();
  tab.type("hello");
  tab.drafts.flush();
  assert.equal(open().field, "hello");
  tab.send();
  assert.deepEqual([open().field, Object.keys(storage)], ["", []]);
});

test("white space is no draft", () => {
  const { open, storage } = browser();
  const tab = open();
  tab.type("  \n");
  tab.drafts.flush();
  assert.deepEqual(Object.keys(storage), []);
});

test("a long text is stored whole, and one that the browser refuses is reported, not cut", () => {
  const { open, storage } = browser();
  const tab = open();
  tab.type("a".repeat(300_000));
  tab.drafts.flush();
  assert.deepEqual([open().field.length, tab.drafts.isRefused], [300_000, false]);
  tab.type("b".repeat(2_000_000));
  tab.drafts.flush();
  assert.deepEqual(
    [tab.drafts.isRefused, tab.drafts.isAtRisk, tab.drafts.get("r").text.length],
    [true, true, 2_000_000],
  );
  storage.setItem = () => {
    throw new Error("full");
  };
  tab.type("c");
  tab.drafts.flush();
  assert.deepEqual([tab.drafts.isRefused, tab.drafts.get("r").text], [true, "c"]);
});

for (const hasChannel of [true, false]) {
  const where = hasChannel ? "" : ", without a channel";

  test(`sending from one tab leaves the text of another one, also after a reload there${where}`, async () => {
    for (const end of ["leave", "crash"]) {
      const { clock, open, kept } = browser({ hasChannel });
      const a = open("a");
      const b = open("b");
      a.type("a whole paragraph");
      await clock.advance(1_500);
      // The other tab took the paragraph over, and its user writes something else in its place.
      assert.equal(b.field, "a whole paragraph");
      b.type("ok");
      await clock.advance(1_500);
      assert.deepEqual(kept(), ["a whole paragraph", "ok"]);
      b.send();
      assert.equal(a.field, "a whole paragraph");
      assert.deepEqual(kept(), ["a whole paragraph"]);
      if (end === "leave") a.leave();
      assert.equal(open("a again", "a").field, "a whole paragraph");
    }
  });

  test(`two tabs with a text each: both are kept, and each finds its own again${where}`, async () => {
    const { clock, open, kept } = browser({ hasChannel });
    const a = open("a");
    const b = open("b");
    a.type("mine of a");
    b.type("mine of b");
    await clock.advance(500);
    assert.deepEqual(kept(), ["mine of a", "mine of b"]);
    for (let n = 0; n < 5; n += 1) {
      a.type(`mine of a ${n}`);
      await clock.advance(500);
      b.type(`mine of b ${n}`);
      await clock.advance(500);
    }
    assert.deepEqual(kept(), ["mine of a 4", "mine of b 4"]);
    const again = [open("a2", "a"), open("b2", "b")];
    assert.deepEqual(
      again.map(({ field }) => field),
      ["mine of a 4", "mine of b 4"],
    );
    for (const tab of again) tab.leave();
    a.send();
    assert.deepEqual(kept(), ["mine of b 4"]);
    b.send();
    assert.deepEqual(kept(), []);
  });

  test(`an empty composer in a background tab takes the text over, and clears when it was sent${where}`, async () => {
    const { clock, open, kept } = browser({ hasChannel });
    const a = open("a");
    const b = open("b");
    a.type("he");
    await clock.advance(500);
    a.type("hello");
    await clock.advance(500);
    assert.equal(b.field, "hello");
    a.send();
    assert.deepEqual([b.field, kept()], ["", []]);
    b.leave();
    assert.deepEqual(kept(), [], "what was sent is no draft again");
  });

  test(`a draft that two tabs show goes from both when one of them sends it${where}`, async () => {
    const { clock, open, kept } = browser({ hasChannel });
    const a = open("a");
    a.type("hello");
    await clock.advance(500);
    a.isActive = false;
    const b = open("b");
    b.type("hello there");
    await clock.advance(500);
    assert.equal(a.field, "hello there");
    b.send();
    assert.deepEqual([a.field, kept()], ["", []]);
  });
}

test("a page that closes stores the text of its composer, even if it was removed from the store", async () => {
  const { clock, storage, open, kept } = browser();
  const tab = open();
  tab.type("hello");
  await clock.advance(500);
  for (const name of Object.keys(storage)) delete storage[name];
  tab.leave();
  assert.deepEqual(kept(), ["hello"]);
});

test("a draft of an earlier version of the page is found, kept and sent", async () => {
  const { clock, storage, open, kept } = browser();
  storage["entre:u-alice:draft:r"] = JSON.stringify({ text: "from before", caret: 1 });
  const other = open();
  assert.equal(other.field, "from before");
  other.type("from before, and more");
  await clock.advance(500);
  assert.deepEqual(kept(), ["from before, and more"]);
  other.send();
  assert.deepEqual(kept(), []);
});

/** Alice opens a chat: what her device has stored, and what of it the server knew; what the message box shows. */
function openChat({ here = "", told = "", known = "", value = known, initial = known, isWaiting = false }) {
  const store = new Store({ storage: fakeStorage(), user: "u-alice" });
  if (here) store.set("draft:r", { text: here, caret: 1, tab: "tab-0" });
  store.set("known:r", told);
  const drafts = new Drafts({ clock: new FakeClock(), tab: "tab-1", store });
  const shown = drafts.open("r", { value, initial, known, isWaiting });
  return shown?.text ?? value;
}

test("what alice types before the script is there continues the draft, which was not on the page", () => {
  assert.equal(openChat({ here: "Shall we ", value: "meet?", initial: "" }), "Shall we meet?");
  assert.equal(openChat({ here: "Shall we ", value: "Shall we meet?", initial: "" }), "Shall we meet?", "once");
  assert.equal(openChat({ value: "meet?", initial: "" }), "meet?");
  assert.equal(openChat({ here: "Old", known: "Shall we ", value: "Shall we meet?" }), "Shall we meet?");
});

test("the draft on the page is the server's, and what this device has typed since goes before it", () => {
  assert.equal(openChat({ here: "Shall we meet?", told: "Shall", known: "Shall" }), "Shall we meet?");
  assert.equal(openChat({ here: "", told: "Shall", known: "Shall" }), "", "removed here, and not told yet");
  assert.equal(openChat({ here: "Shall", told: "Shall", known: "Shall" }), "Shall");
});

test("a draft that another device has changed or sent since is shown as it is now", () => {
  assert.equal(openChat({ here: "Shall", told: "Shall", known: "Shall we meet?" }), "Shall we meet?");
  assert.equal(openChat({ known: "Shall we meet?" }), "Shall we meet?");
  assert.equal(openChat({ here: "Shall", told: "Shall", known: "" }), "");
});

test("a draft that has become a message, which waits to be sent, does not come back", () => {
  assert.equal(openChat({ told: "", known: "Shall we meet?", isWaiting: true }), "");
});

test("a draft that the server has not got yet stays", () => {
  assert.equal(openChat({ here: "Shall we meet?", told: "Shall we meet?", isWaiting: true }), "Shall we meet?");
});

test("a text that the server has refused stays in the box", () => {
  assert.equal(openChat({ here: "Shall", told: "Shall", known: "Shall", value: "No", initial: "No" }), "No");
});
