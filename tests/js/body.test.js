import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { bodyParts, cut, isEmojiOnly, isLong } from "../../static/js/lib/body.js";

const links = (body) =>
  bodyParts(body)
    .filter((part) => part.href)
    .map(({ text, href }) => [text, href]);

test("an address becomes a link, as it was typed", () => {
  assert.deepEqual(links("see https://a.example/x?y=1#z now"), [
    ["https://a.example/x?y=1#z", "https://a.example/x?y=1#z"],
  ]);
  assert.deepEqual(links("www.a.example"), [["www.a.example", "https://www.a.example/"]]);
  assert.deepEqual(links("write to zoya@a.example."), [["zoya@a.example", "mailto:zoya@a.example"]]);
});

/** Shared with the server: code that makes links elsewhere passes the same cases. */
for (const { says, cases } of JSON.parse(readFileSync(new URL("../golden/links.json", import.meta.url), "utf8"))) {
  test(`links: ${says}`, () => {
    for (const { text, links: wanted } of cases)
      assert.deepEqual(
        links(text),
        wanted.map(({ shown, href }) => [shown, href]),
        text,
      );
  });
}

test("what follows a host ends it, and a row of hyphens within it stays", () => {
  const row = "-".repeat(1000);
  assert.deepEqual(links("https://a.example.--!x"), [["https://a.example", "https://a.example/"]]);
  assert.deepEqual(links(`https://a${row}.b!x`)[0]?.[0] ?? null, links(`https://a${row}.b`)[0]?.[0] ?? null);
});

/**
 * A regular expression that ends in a repetition before `$` and may begin anywhere is tried from each character of a
 * row of them.
 */
test("no script searches for the end of a text in quadratic time", () => {
  const root = new URL("../../static/js/", import.meta.url);
  const scripts = readdirSync(root, { recursive: true }).filter((name) => name.endsWith(".js"));
  assert.ok(scripts.length > 20);
  const suspicious = /\/(?!\^)(?:\[[^\]]*\]|\\?[^/\s])[+*]\$\/[a-z]*/u;
  assert.ok(suspicious.test('host.replace(/[.-]+$/, "")'));
  assert.deepEqual(
    scripts.filter((name) =>
      suspicious.test(readFileSync(new URL(name, root), "utf8").replace(/^\s*(?:\/\/|\/?\*).*$/gmu, "")),
    ),
    [],
  );
});

test("the parts of a body, joined, are the body", () => {
  for (const body of ["", "plain", "a https://a.example/ b www.b.example, c", "https://a.example"]) {
    assert.equal(
      bodyParts(body)
        .map((part) => part.text)
        .join(""),
      body,
    );
  }
});

test("a text is cut between characters, never inside one", () => {
  assert.equal(cut("short", 10), "short");
  assert.equal(cut(`${"a".repeat(199)}😀b`, 200), `${"a".repeat(199)}😀`);
  assert.equal(cut("👨‍👩‍👧‍👦🇧🇷👋🏽é!", 4), "👨‍👩‍👧‍👦🇧🇷👋🏽é");
});

test("a browser that cannot tell characters apart (Firefox 115) still writes, cuts and recognises emoji", async () => {
  const { Segmenter } = Intl;
  delete Intl.Segmenter;
  try {
    const old = await import("../../static/js/lib/body.js?without-segmenter");
    assert.equal(old.cut("👨‍👩‍👧‍👦🇧🇷👋🏽é!", 4), "👨‍👩‍👧‍👦🇧🇷👋🏽é");
    for (const [body, alone] of [
      ["👍", true],
      ["👨‍👩‍👧‍👦👋🏽❤️", true],
      ["🇧🇷🇷🇺", true],
      ["👍👍👍👍", false],
      ["20:00?", false],
    ])
      assert.equal(old.isEmojiOnly(body), alone, body);
  } finally {
    Intl.Segmenter = Segmenter;
  }
});

test("a text of more than some twenty lines is long", () => {
  for (const [body, long] of [
    ["", false],
    ["a\n".repeat(23), false],
    ["a\n".repeat(24), true],
    ["a".repeat(1_440), false],
    ["a".repeat(1_441), true],
    [`${"a".repeat(100)}\n`.repeat(12), true],
  ])
    assert.equal(isLong(body), long, body.length);
});

test("an address longer than any real one stays text", () => {
  assert.deepEqual(links(`https://a.example/${"a".repeat(2_100)}`), []);
  assert.deepEqual(links(`https://a.example/${")".repeat(7_900)}`), []);
});

test("one to three emoji stand alone, families and skin tones counting as one", () => {
  for (const body of ["👍", "👨‍👩‍👧‍👦👋🏽❤️", "🇧🇷", "1️⃣", " ☝🏽 "]) assert.equal(isEmojiOnly(body), true, body);
  for (const body of ["", "1", "ok", "👍👍👍👍", "👍 ok", "👍\n👍", "#"]) assert.equal(isEmojiOnly(body), false, body);
});
