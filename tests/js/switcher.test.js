import assert from "node:assert/strict";
import test from "node:test";
import { QuickSwitcher } from "../../static/js/view/switcher.js";
import { FakeClock } from "./helpers/clock.js";
import { element, fakeDocument, type } from "./helpers/dom.js";

const named = (part, tag = "span") => element(tag, { "data-part": part });
const t = (text, values = {}) => text.split("|")[0].replace(/{(\w+)}/g, (_, name) => values[name]);
const card = (name) => ({ id: name, name, username: name.toLowerCase(), initials: name[0], avatar: null, colour: 1 });

/** The switcher over the chats with bob and carol; the answers of the directory and of the search are passed in. */
function open({ people = () => [], messages = () => [] } = {}) {
  const option = element("div", { role: "option" });
  const parts = ["avatar", "name", "handle", "badge", "badge-word"];
  option.append(...parts.map((name) => named(name)), named("time", "time"));
  const nobody = element("div", { "data-part": "nobody" }, named("nobody-text", "p"));
  const body = fakeDocument({
    "switcher": element("dialog", {}, named("query", "input"), named("results", "div"), nobody),
    "switch-to": option,
  });
  const rows = ["Bob", "Carol"].map((name) => ({ room: `dm-${name}`, peer: card(name), unread: 0 }));
  const clock = new FakeClock();
  const switcher = new QuickSwitcher({
    ...{ t, clock, me: "Alice", open() {}, announce() {} },
    ...{ rows: () => rows, current: () => null, online: () => false, dates: { listTime: () => "14:03" } },
    people: async (query) => people(query),
    messages: async (query) => ({ items: messages(query), next: null }),
  });
  switcher.show();
  const dialog = body.querySelector("dialog");
  const options = () => dialog.querySelectorAll('[role="option"]');
  const names = () => options().map((found) => found.querySelector('[data-part="name"]').textContent);
  const [query, text] = ["query", "nobody-text"].map((name) => dialog.querySelector(`[data-part="${name}"]`));
  return { switcher, clock, rows, options, names, query, text };
}

test("a chat that is being pressed stays the same element when the directory and the search answer", async () => {
  const message = { room: "dm-Bob", peer: card("Bob"), message: { seq: 7, body: "a bo at last", sender: "Bob" } };
  const { clock, options, names, query } = open({
    people: () => [card("Boris")],
    messages: () => [{ ...message, matches: [[2, 2]] }],
  });
  type(query, "bo");
  const [pressed] = options();
  await clock.advance(1_000);
  assert.deepEqual(names(), ["Bob", "Boris", "Bob"]);
  assert.equal(options()[0], pressed);
});

test("a chat that is being pressed stays when another row has changed, and one that has changed is drawn again", () => {
  const { switcher, rows, options } = open();
  const before = options();
  switcher.changed();
  assert.deepEqual(options(), before);
  rows[1].unread = 2;
  switcher.changed();
  // Unread chats lead.
  const [carol] = options();
  assert.equal(carol.querySelector('[data-part="badge"]').textContent, "2");
});

test("options that an answer no longer has are removed, and the chosen one is always one that is there", async () => {
  const { clock, options, names, query } = open({ people: (asked) => (asked === "b" ? [card("Boris")] : []) });
  type(query, "b");
  await clock.advance(1_000);
  assert.deepEqual(names(), ["Bob", "Boris"]);
  type(query, "bob");
  await clock.advance(1_000);
  assert.deepEqual(names(), ["Bob"]);
  assert.deepEqual(
    options().map((option) => [option.id, option.getAttribute("aria-selected")]),
    [["switch-to-0", "true"]],
  );
  assert.equal(query.getAttribute("aria-activedescendant"), "switch-to-0");
});

test("where nobody is listed, the sentence names nobody", async () => {
  const { clock, rows, query, text } = open();
  rows.length = 0;
  await clock.advance(1_000);
  type(query, " ");
  await clock.advance(1_000);
  assert.equal(text.textContent, "Nobody is listed here yet. Send someone an invite link.");
  type(query, "zoya");
  await clock.advance(1_000);
  assert.equal(text.textContent, "Nobody here is called “zoya”. You can send them an invite link.");
});
