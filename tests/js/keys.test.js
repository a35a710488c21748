import assert from "node:assert/strict";
import test from "node:test";
import { isCommand, isComposing, keyOf, rove } from "../../static/js/lib/keys.js";
import { element, fakeDocument, press } from "./helpers/dom.js";

/** What a key of each layout sends: [key, code, what it means to us]. */
const LAYOUTS = {
  "English": [
    ["k", "KeyK", "k"],
    ["K", "KeyK", "k"],
    ["/", "Slash", "/"],
    ["c", "KeyC", "c"],
  ],
  "German": [
    ["k", "KeyK", "k"],
    ["-", "Slash", "-"],
    ["/", "Digit7", "/"],
    ["z", "KeyY", "z"],
    ["ö", "Semicolon", "ö"],
  ],
  "Nordic, Spanish, Italian": [
    ["-", "Slash", "-"],
    ["/", "Digit7", "/"],
    ["ñ", "Semicolon", "ñ"],
  ],
  "French": [
    ["!", "Slash", "!"],
    ["/", "Period", "/"],
    [";", "Comma", ";"],
  ],
  "Turkish": [
    [".", "Slash", "."],
    ["ı", "KeyI", "ı"],
  ],
  "Neo": [
    ["r", "KeyK", "r"],
    ["k", "KeyY", "k"],
    ["j", "Slash", "j"],
    ["c", "KeyR", "c"],
  ],
  "Dvorak": [
    ["t", "KeyK", "t"],
    ["k", "KeyV", "k"],
    ["z", "Slash", "z"],
    ["/", "BracketLeft", "/"],
    ["j", "KeyC", "j"],
    ["c", "KeyI", "c"],
  ],
  "Bépo": [
    ["s", "KeyK", "s"],
    ["k", "KeyB", "k"],
    ["f", "Slash", "f"],
    ["/", "Digit9", "/"],
    ["x", "KeyC", "x"],
    ["c", "KeyH", "c"],
  ],
  "Russian": [
    ["л", "KeyK", "k"],
    ["Л", "KeyK", "k"],
    ["с", "KeyC", "c"],
    [".", "Slash", "."],
    ["/", "Backslash", "/"],
  ],
  "Hebrew": [
    ["ל", "KeyK", "k"],
    ["ב", "KeyC", "c"],
    ["/", "KeyQ", "q"],
    [".", "Slash", "."],
    ["'", "KeyW", "'"],
  ],
  "Greek": [
    ["κ", "KeyK", "k"],
    ["ψ", "KeyC", "c"],
    ["/", "Slash", "/"],
    [";", "KeyQ", ";"],
  ],
  "Armenian": [
    ["կ", "KeyK", "k"],
    ["ծ", "Slash", "/"],
  ],
  "Thai": [
    ["า", "KeyK", "k"],
    ["ื", "KeyN", "n"],
    ["ฝ", "Slash", "/"],
  ],
  "Arabic": [
    ["ن", "KeyK", "k"],
    ["ؤ", "KeyC", "c"],
    ["لا", "KeyB", "b"],
  ],
  "no letter at all": [
    ["Dead", "KeyK", "dead"],
    ["Unidentified", "KeyK", "unidentified"],
    ["Process", "KeyC", "process"],
    ["Enter", "Enter", "enter"],
    [undefined, undefined, ""],
  ],
};

for (const [layout, keys] of Object.entries(LAYOUTS)) {
  test(`keys are what they write: ${layout}`, () => {
    for (const [key, code, meant] of keys) assert.equal(keyOf({ key, code }), meant, `${key} (${code})`);
  });
}

test("the command key is Ctrl, and ⌘ on a Mac; never together with AltGr", () => {
  const none = { ctrlKey: false, metaKey: false, altKey: false };
  for (const [pressed, elsewhere, onMac] of [
    [{ ctrlKey: true }, true, false],
    [{ metaKey: true }, false, true],
    [{ ctrlKey: true, altKey: true }, false, false],
    [{ ctrlKey: true, metaKey: true }, false, false],
    [{}, false, false],
  ]) {
    assert.deepEqual(
      [isCommand({ ...none, ...pressed }, false), isCommand({ ...none, ...pressed }, true)],
      [elsewhere, onMac],
    );
  }
});

test("keys of a running composition are left alone", () => {
  assert.deepEqual(
    [
      isComposing({ isComposing: true }),
      isComposing({ isComposing: false, keyCode: 229 }),
      isComposing({ isComposing: false, keyCode: 75 }),
    ],
    [true, true, false],
  );
});

test("a toolbar is one tab stop: arrows, Home and End move in it, past what is hidden or disabled", () => {
  fakeDocument();
  globalThis.getComputedStyle = () => ({ direction: "ltr" });
  const buttons = ["reply", "edit", "copy", "menu"].map((name) => element("button", { "data-do": name }));
  const [reply, edit, copy, menu] = buttons;
  const bar = element("span", {}, ...buttons);
  const stops = () => buttons.filter(({ tabIndex }) => tabIndex === 0);
  const settle = rove(bar);
  edit.hidden = true;
  settle();
  assert.deepEqual(stops(), [reply]);
  reply.focus();
  for (const [key, focused] of [
    ["ArrowRight", copy],
    ["ArrowRight", menu],
    ["ArrowRight", reply],
    ["ArrowLeft", menu],
    ["Home", reply],
    ["End", menu],
  ]) {
    assert.ok(press(bar, key));
    assert.deepEqual([document.activeElement, stops()], [focused, [focused]], key);
  }
  assert.ok(!press(bar, "Enter"));
  // Beside another message, or with nothing selected.
  menu.disabled = true;
  settle();
  assert.deepEqual(stops(), [reply]);
  globalThis.getComputedStyle = () => ({ direction: "rtl" });
  reply.focus();
  press(bar, "ArrowLeft");
  assert.equal(document.activeElement, copy);
});
