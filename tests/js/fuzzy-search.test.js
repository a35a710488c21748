import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { match, adjacentChat, suggestions, plain } from "../../static/js/state/fuzzy-search.js";

const GOLDEN = JSON.parse(readFileSync(new URL("../golden/folding.json", import.meta.url), "utf8"));

test("names are folded as the server folds them", () =>
  assert.deepEqual(
    GOLDEN.map(([text]) => [text, plain(text)]),
    GOLDEN,
  ));

const person = (name, username = "somebody") => ({ id: `u-${name}`, name, username });
const row = (name, extra = {}) => ({ room: `dm-${name}`, peer: person(name, name.toLowerCase()), unread: 0, ...extra });

// [typed, name, handle, found?]
const FOUND = [
  ["ma", "Márta Oliveira", "mo", true],
  ["OLIV", "Márta Oliveira", "mo", true],
  ["mo", "Márta Oliveira", "mo", true],
  ["mrt", "Márta Oliveira", "x", true],
  ["ел", "Зоя Ёлкина", "zed", true],
  ["ёл", "Зоя Елкина", "zed", true],
  ["ЗОЯ", "Зоя Ёлкина", "zed", true],
  ["zo", "Зоя Ёлкина", "kina", false],
  ["@ze", "Anna", "zed", true],
  ["@an", "Anna", "zed", false],
  ["@", "Anna", "zed", true],
  ["anna zed", "Anna", "zed", true],
  ["anna bob", "Anna", "zed", false],
  ["نو", "نور حداد", "noor", true],
  ["", "Anna", "zed", false],
  ["walesa", "Lech Wałęsa", "x", true],
  ["gudrun", "Guðrún", "x", true],
  ["oeuvre", "Œuvre", "x", true],
];

for (const [typed, name, username, isFound] of FOUND) {
  test(`"${typed}" ${isFound ? "finds" : "does not find"} ${name} @${username}`, () =>
    assert.equal(match(typed, { name, username }) > 0, isFound));
}

test("beginnings come before the middle of words, and those before scattered letters", () => {
  const rows = ["Samara", "Mara", "Tom Arlo", "Ana Maria"].map((name) => row(name));
  assert.deepEqual(
    suggestions({ query: "mar", rows }).chats.map(({ peer }) => peer.name),
    ["Mara", "Ana Maria", "Samara", "Tom Arlo"],
  );
});

test("without a query unread chats lead, without the one on the screen; otherwise the order of the list stays", () => {
  const rows = [row("Here", { unread: 2 }), row("Read"), row("Loud", { unread: 1 }), row("Old")];
  assert.deepEqual(
    suggestions({ query: " ", rows, current: "dm-Here" }).chats.map(({ peer }) => peer.name),
    ["Loud", "Read", "Old"],
  );
});

test("a user with a chat is offered as a chat and not as a person", () => {
  const rows = [row("Bob")];
  const { people } = suggestions({ query: "o", rows, people: [rows[0].peer, person("Zoe", "zoe")] });
  assert.deepEqual(
    people.map(({ name }) => name),
    ["Zoe"],
  );
});

test("accents and case are nothing", () => assert.equal(plain("ÁÉÍ ç Ё Й"), "aei c е и"));

// [current, step, unread, where to]
const WAYS = [
  ["b", 1, false, "c"],
  ["b", -1, false, "a"],
  ["a", -1, false, null],
  ["d", 1, false, null],
  ["a", 1, true, "b"],
  ["b", 1, true, "d"],
  ["d", -1, true, "b"],
  [null, 1, false, "a"],
  [null, -1, false, "d"],
  ["gone", 1, true, "b"],
];

for (const [current, step, unread, to] of WAYS) {
  test(`from ${current} ${step > 0 ? "down" : "up"} ${unread ? "to what is unread" : ""}: ${to}`, () => {
    const rows = [..."abcd"].map((room) => ({ room, unread: "bd".includes(room) && room !== current ? 1 : 0 }));
    assert.equal(adjacentChat(rows, current, step, { unread }), to);
  });
}
