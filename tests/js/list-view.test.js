import assert from "node:assert/strict";
import test from "node:test";
import { ConversationList } from "../../static/js/state/conversation-list.js";
import { FakeClock } from "./helpers/clock.js";

globalThis.window = { addEventListener() {} };
const { ListView } = await import("../../static/js/view/list-view.js");

const MONA = "(12) Mona · Entre";
const NOBODY = { textContent: "", hidden: true };

/** A page as the server sends it: its title, and the badge of the total. Returns what the view has announced. */
function load({ title = MONA, badge = { ...NOBODY } } = {}) {
  globalThis.document = { title, hasFocus: () => true, querySelector: () => badge };
  const { now } = new FakeClock();
  const state = new ConversationList({ me: "me" });
  const totals = [];
  const view = new ListView({ root: null, state, now, current: () => null, onTotal: (count) => totals.push(count) });
  const receive = (count) => {
    state.loaded = true;
    state.put({ room: "dm-a", peer: { name: "(12) Mona" }, received: count, read_count: 0 });
    view.render();
  };
  return { view, state, badge, totals, receive };
}

test("until the server's rows have arrived, title and badge stay as the page was sent", () => {
  const sent = { textContent: "3", hidden: false };
  const { view, badge, totals } = load({ badge: { ...sent } });
  view.render();
  assert.equal(document.title, MONA);
  assert.deepEqual(badge, sent);
  assert.deepEqual(totals, []);
});

test("a number in a name is neither taken for unread messages nor stripped, also when the page has just loaded", () => {
  const { badge, totals, receive } = load();
  receive(0);
  assert.equal(document.title, MONA);
  assert.deepEqual(badge, NOBODY);
  assert.deepEqual(totals, [0]);
});

test("the number of unread messages is put before the name and taken away again", () => {
  const { view, state, badge, receive } = load();
  receive(3);
  assert.equal(document.title, `(3) ${MONA}`);
  assert.deepEqual(badge, { textContent: "3", hidden: false });
  state.put({ room: "dm-a", received: 3, read_count: 3 });
  view.render();
  assert.equal(document.title, MONA);
  assert.deepEqual(badge, NOBODY);
});

test("another chat on the same page keeps the number and drops the old name", () => {
  const { view, receive } = load();
  receive(120);
  view.title = "(1) Carol · Entre";
  view.render();
  assert.equal(view.title, "(1) Carol · Entre");
  assert.equal(document.title, "(99+) (1) Carol · Entre");
});
