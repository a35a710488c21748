// A button that is pressed before its module has loaded does what it says, once, when the module listens.
import assert from "node:assert/strict";
import test from "node:test";
import { pressOf } from "../../static/js/pages/lazy.js";
import { start } from "../../static/js/view/buttons.js";
import { startComposerEmoji } from "../../static/js/view/composer-emoji.js";
import { settle } from "./helpers/clock.js";
import { element, fakeDocument } from "./helpers/dom.js";

/** A page whose document hears of presses, as a document does: first those who capture them. Returns `performPress`. */
function page(...nodes) {
  const body = fakeDocument();
  body.append(...nodes);
  const listeners = { true: [], false: [] };
  document.addEventListener = (type, listener, { capture = false } = {}) =>
    type === "click" && listeners[capture].push(listener);
  document.getElementById = (id) => body.querySelectorAll("input").find((field) => field.id === id);
  for (const button of body.querySelectorAll("button"))
    button.click = () => {
      const event = new Event("click", { cancelable: true });
      Object.defineProperty(event, "target", { value: button });
      for (const listener of listeners.true) listener(event);
      button.dispatchEvent(new Event("click"));
      for (const listener of listeners.false) listener(event);
    };
  globalThis.window = { addEventListener() {} };
  // As pages/shell.js does from the start.
  const shell = { clicked: null };
  document.addEventListener("click", ({ target }) => (shell.clicked = target), { capture: true });
  return pressOf(shell);
}

function clipboard() {
  const copied = [];
  const writeText = async (text) => copied.push(text);
  Object.defineProperty(globalThis, "navigator", { value: { clipboard: { writeText } }, configurable: true });
  return copied;
}

const copyButton = () =>
  element("button", { type: "button", "data-action": "copy", "data-copy-from": "link", "data-label-done": "Copied" });
const link = () => Object.assign(element("input", { id: "link" }), { value: "https://chat.example/i/abc" });

test("an invite link that alice copied before the script was there is copied, once", async () => {
  const copied = clipboard();
  const button = copyButton();
  const performPress = page(link(), button);
  const told = [];
  button.click();
  const announcer = { status: (text) => told.push(text) };
  start({ announcer, performPress });
  await settle();
  assert.deepEqual(copied, ["https://chat.example/i/abc"]);
  assert.deepEqual(told, ["Copied"]);
  button.click();
  await settle();
  assert.equal(copied.length, 2);
});

test("a page on which nothing was pressed does nothing by itself", async () => {
  const copied = clipboard();
  start({ performPress: page(link(), copyButton()) });
  await settle();
  assert.deepEqual(copied, []);
});

test("a press of another button, or of one that has gone, is not performed", () => {
  const [pressed, gone] = [element("button", { type: "button" }), element("button", { type: "button" })];
  const performPress = page(pressed, gone);
  pressed.click();
  const done = [];
  pressed.addEventListener("click", () => done.push("pressed"));
  performPress((button) => button !== pressed);
  assert.deepEqual(done, []);
  gone.click();
  gone.remove();
  performPress(() => true);
  assert.deepEqual(done, []);
});

test("the button of the emoji that alice pressed before its module was there opens them", async () => {
  const button = element("button", { type: "button", "data-action": "emoji" });
  const field = Object.assign(element("textarea"), { value: "", selectionStart: 0, selectionEnd: 0 });
  const form = Object.assign(element("form", {}, field, button), { elements: { body: field } });
  const performPress = page(form);
  button.click();
  const told = [];
  const tools = { t: (text) => text, store: { get: () => null }, performPress, toast: (text) => told.push(text) };
  startComposerEmoji(form, { hasTyped: false }, { ...tools, fetchEmoji: () => Promise.reject(new Error("offline")) });
  for (let round = 0; round < 100 && !told.length; round += 1) await new Promise(setImmediate);
  assert.deepEqual(told, ["The emoji couldn’t be loaded."]);
});
