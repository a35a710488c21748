// What a user types, switches or chooses before the module that listens has loaded is not lost.
import assert from "node:assert/strict";
import test from "node:test";
import { isChanged, onTyped } from "../../static/js/lib/dom.js";
import { autosave } from "../../static/js/view/autosave.js";
import { checkUsername } from "../../static/js/view/username-check.js";
import { ComposerView } from "../../static/js/view/composer-view.js";
import { startComposerEmoji } from "../../static/js/view/composer-emoji.js";
import { PresenceView } from "../../static/js/view/presence-view.js";
import { searchPeople } from "../../static/js/view/people-search.js";
import { searchWhileTyping } from "../../static/js/view/search-results.js";
import { FakeClock, settle } from "./helpers/clock.js";
import { element, fakeDocument, type } from "./helpers/dom.js";

const t = (text) => text;
const said = () => element("span", { "data-part": "saved" });
globalThis.RadioNodeList = class {};

/** A field as the server sent it, and as the user has changed it since. */
function control(name, attributes, changed = {}) {
  const field = element("input", { name });
  const { value = "", checked = false, ...rest } = attributes;
  return Object.assign(field, { name, type: "text", value, checked, ...rest }, changed, {
    defaultValue: value,
    defaultChecked: checked,
  });
}

/** As much of a form as the modules use. */
function formOf(...controls) {
  const lines = controls.map((one) => element("div", { "data-part": "setting" }, one, said()));
  const form = element("form", {}, ...lines);
  const elements = Object.assign([...controls], Object.fromEntries(controls.map((one) => [one.name, one])));
  const reset = (copies) => () => {
    for (const one of copies) Object.assign(one, { value: one.defaultValue, checked: one.defaultChecked });
  };
  const cloneNode = () => {
    const copies = controls.map((one) => ({ ...one }));
    return { elements: copies, reset: reset(copies) };
  };
  return Object.assign(form, { elements, action: "/settings/", cloneNode });
}

test("a field is changed when it is not as the server sent it", () => {
  assert.equal(isChanged(control("name", { value: "Alice" })), false);
  assert.equal(isChanged(control("name", { value: "Alice" }, { value: "Alix" })), true);
  // A box without a value says "on", whatever the server sent.
  assert.equal(isChanged(control("typing", { type: "checkbox" }, { value: "on" })), false);
  assert.equal(isChanged(control("typing", { type: "checkbox", checked: true }, { checked: false })), true);
});

test("a listener hears of what was typed before it was there, and of no running composition", () => {
  const heard = [];
  const field = control("q", {}, { value: "har" });
  onTyped(field, () => heard.push(field.value));
  type(field, "harb");
  field.value = "harbо";
  field.dispatchEvent(Object.assign(new Event("input"), { isComposing: true }));
  assert.deepEqual(heard, ["har", "harb"]);
  field.value = "harbour";
  field.dispatchEvent(new Event("compositionend"));
  assert.deepEqual(heard, ["har", "harb", "harbour"]);
  onTyped(control("q", { value: "harbour" }), () => heard.push("untouched"));
  assert.equal(heard.length, 3);
});

test("alice learns whether the username is free that she typed before the check had loaded", async () => {
  fakeDocument();
  const clock = new FakeClock();
  const says = element("p", { "data-part": "username-says" });
  const form = formOf(control("username", { value: "alice" }, { value: "alix" }));
  form.append(says);
  form.dataset.check = "/check/";
  const asked = [];
  const post = async (url, body) => {
    asked.push(body.get("username"));
    return { state: "saved", says: "Free", free: true };
  };
  checkUsername(form, { post, clock });
  await clock.advance(400);
  assert.deepEqual(asked, ["alix"]);
  assert.equal(says.textContent, "Free");
});

test("a username that alice has not touched is not checked", async () => {
  const clock = new FakeClock();
  const form = formOf(control("username", { value: "alice" }));
  checkUsername(form, { post: () => assert.fail("asked"), clock });
  await clock.advance(1_000);
});

/** The form of a settings page with these controls; what it saves, and whether the server takes it. */
function settings(state, ...controls) {
  fakeDocument();
  const form = formOf(...controls);
  const saved = [];
  const post = async (url, body) => {
    saved.push([body.get("only"), body.get(body.get("only"))]);
    return { state };
  };
  autosave(form, { post, t, clock: new FakeClock(), user: "alice" });
  return saved;
}

test("settings that alice changed before the script was there are saved, and no others", async () => {
  const saved = settings(
    "saved",
    control("receipts", { type: "checkbox", checked: true }, { checked: false }),
    control("typing", { type: "checkbox", checked: true }),
    control("text_size", { type: "radio", value: "normal", checked: true }, { checked: false }),
    control("text_size", { type: "radio", value: "large" }, { checked: true }),
    control("hours", { value: "auto" }, { value: "24" }),
  );
  await settle();
  await settle();
  assert.deepEqual(saved, [
    ["receipts", null],
    ["text_size", "large"],
    ["hours", "24"],
  ]);
});

test("such a change that is refused is taken back to what the server has", async () => {
  const receipts = control("receipts", { type: "checkbox", checked: true }, { checked: false });
  const saved = settings("limited", receipts);
  await settle();
  assert.equal(saved.length, 1);
  assert.equal(receipts.checked, true);
});

/** A search field and its results; what was asked for. */
async function asksFor(search, query) {
  const clock = new FakeClock();
  const body = fakeDocument();
  const field = control("q", {}, { value: query });
  field.setAttribute("data-part", "search");
  field.form = Object.assign(element("form"), { action: "/people/" });
  const results = ["people-found", "found"].map((view) => element("div", { "data-view": view }));
  body.append(element("main", { "data-view": "search" }, field, ...results));
  const asked = [];
  const { fetch, FormData } = globalThis;
  globalThis.fetch = async (address) => (asked.push(address), { status: 409, redirected: true, url: "/" });
  globalThis.FormData = class {
    *[Symbol.iterator]() {}
  };
  globalThis.location = { assign() {} };
  search({ t, clock, me: "alice", dates: {}, announce() {}, events: { on() {} } });
  await clock.advance(1_000);
  Object.assign(globalThis, { fetch, FormData });
  return asked;
}

test("a person and words that alice typed before the search had loaded are searched for", async () => {
  assert.deepEqual(await asksFor(searchPeople, "bob"), ["/people/?q=bob"]);
  assert.deepEqual(await asksFor(searchWhileTyping, "harbour"), ["/people/?q=harbour"]);
  assert.deepEqual(await asksFor(searchPeople, ""), []);
  assert.deepEqual(await asksFor(searchWhileTyping, ""), []);
});

/** The composer with what was typed before its script was there; what it reported. */
async function composer(value, initial = "") {
  globalThis.matchMedia = () => ({ matches: true });
  globalThis.CSS = { supports: () => true };
  fakeDocument({ "emoji-panel": element("div") });
  document.hasFocus = () => true;
  const field = control("body", { value: initial }, { value, selectionStart: value.length });
  const form = formOf(field);
  form.append(element("p", { "data-part": "counter" }), element("button", { "data-part": "send" }));
  const changes = [];
  const view = new ComposerView({
    form,
    t: Object.assign(t, { number: String }),
    limit: 10,
    on: { submit() {}, change: ({ text }) => changes.push(text) },
  });
  await settle();
  return { form, field, view, changes };
}

test("what was typed before the composer's script is a draft, and counted", async () => {
  const { form, view, changes } = await composer("far too long");
  assert.deepEqual([changes, view.hasTyped], [["far too long"], true]);
  assert.equal(form.querySelector('[data-part="counter"]').dataset.state, "over");
  const untouched = await composer("a draft", "a draft");
  assert.deepEqual([untouched.changes, untouched.view.hasTyped], [[], false]);
});

test("bob learns that alice types, also when she began before the module was there, but of no draft", async () => {
  for (const [value, initial, sent] of [
    ["hello", "", [true]],
    ["a draft", "a draft", []],
  ]) {
    const { form, view } = await composer(value, initial);
    const root = element("main", {}, form);
    form.dataset.view = "composer";
    const told = [];
    const tools = { root, room: "dm-b", chat: { composer: view }, events: { on() {} }, clock: new FakeClock() };
    new PresenceView({ ...tools, sharesTyping: true, send: ({ on }) => told.push(on) });
    assert.deepEqual(told, sent, value);
  }
});

test("a name of an emoji that was being typed when the module came is completed", async () => {
  for (const [value, initial, names] of [
    ["hi :smi", "", ["smiling face"]],
    ["hi :smi", "hi :smi", []],
  ]) {
    const { form, field, view } = await composer(value, initial);
    document.activeElement = field;
    form.append(element("button", { "data-action": "emoji" }));
    const emoji = [[["😊", "smiling face", "smile", 0]]];
    startComposerEmoji(form, view, {
      ...{ t, store: { get: () => null }, announce() {}, performPress() {} },
      fetchEmoji: async () => emoji,
    });
    await settle();
    const options = form.querySelectorAll('[role="option"]').map((option) => option.children[1].textContent);
    assert.deepEqual(options, names, initial);
  }
});

test("a picture that was chosen before the script was there is looked at", async () => {
  const body = fakeDocument();
  document.getElementById = () => null;
  const chosen = { type: "file", value: "C:\\fakepath\\me.jpg", files: [{ size: 9_000_000 }] };
  const form = formOf(control("picture", {}, chosen));
  Object.assign(form.dataset, { view: "picture", mostBytes: 8_000_000 });
  body.append(form);
  await import("../../static/js/pages/settings.js");
  const says = form.querySelector('[data-part="saved"]');
  for (let round = 0; round < 100 && !says.textContent; round += 1) await new Promise(setImmediate);
  assert.equal(says.textContent, "Choose a picture of at most 8 MB.");
});
