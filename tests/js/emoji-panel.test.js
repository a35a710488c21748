import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { askedEmoji } from "../../static/js/state/emoji-completion.js";
import { EmojiRecents, withTone } from "../../static/js/state/emoji-recents.js";
import { EmojiSearch } from "../../static/js/state/emoji-search.js";

const read = (language) =>
  JSON.parse(readFileSync(new URL(`../../static/emoji/${language}.json`, import.meta.url), "utf8"));
const languages = Object.fromEntries(["en", "ru", "pt"].map((language) => [language, new EmojiSearch(read(language))]));
const found = (language, query, most) => languages[language].search(query, most).map(({ emoji }) => emoji);

/** A stand-in for net/store.js. */
function memory() {
  const kept = new Map();
  return { get: (key) => kept.get(key) ?? null, set: (key, value) => kept.set(key, structuredClone(value)) };
}

test("an emoji is found by its name and its keywords, as people type them", () => {
  assert.ok(found("ru", "еж").includes("🦔"));
  assert.ok(found("ru", "ёж").includes("🦔"));
  assert.ok(found("pt", "coracao").includes("❤️"));
  assert.ok(found("pt", "CORAÇÃO").includes("❤️"));
  assert.ok(found("en", "haha").includes("😂"));
  assert.ok(found("en", "thumbs up").includes("👍"));
  assert.deepEqual(found("en", "xyzzy"), []);
  assert.deepEqual(found("en", "  "), []);
  assert.deepEqual(found("en", "!?"), []);
});

test("the short English names complete in every language, the best match first", () => {
  for (const language of ["en", "ru", "pt"]) {
    assert.equal(found(language, "smile", 1)[0], "😄", language);
    assert.equal(found(language, "tada", 1)[0], "🎉", language);
  }
  assert.equal(found("en", "cat", 1)[0], "🐈");
  assert.equal(found("en", "heart", 1)[0], "❤️");
  assert.ok(found("en", "a", 6).length === 6);
});

test("an emoji that the font does not have is left out", () => {
  const few = new EmojiSearch(read("en"), { canDraw: (emoji) => emoji !== "🫩" && !/\p{RI}/u.test(emoji) });
  assert.equal(languages.en.find("🫩")?.emoji, "🫩");
  assert.equal(few.find("🫩"), null);
  assert.deepEqual(few.search("portugal"), []);
  assert.ok(few.search("grinning").length > 0);
});

test("a skin tone goes to each person, and to nothing else", () => {
  assert.equal(withTone("👋", 3), "👋🏽");
  assert.equal(withTone("✌️", 1), "✌🏻");
  assert.equal(withTone("👩‍❤️‍👨", 5), "👩🏿‍❤️‍👨🏿");
  assert.equal(withTone("🧑‍🤝‍🧑", 2), "🧑🏼‍🤝‍🧑🏼");
  assert.equal(withTone("👋", 0), "👋");
  assert.equal(withTone("🍎", 4), "🍎");
  assert.equal(languages.en.find("👋🏽").name, "waving hand");
});

test("every emoji of the panel, in every skin tone, is written as the server takes it for a reaction", () => {
  const list = readFileSync(new URL("../../conversations/protocol/emoji.txt", import.meta.url), "utf8");
  const taken = new Set(list.split(/\s+/));
  for (const language of ["en", "ru", "pt"]) {
    const offered = read(language)
      .flat()
      .flatMap(([emoji, , , hasTones]) => (hasTones ? [0, 1, 2, 3, 4, 5] : [0]).map((tone) => withTone(emoji, tone)));
    assert.ok(offered.length > 3_400, language);
    assert.deepEqual(
      offered.filter((emoji) => !taken.has(emoji)),
      [],
      language,
    );
  }
  assert.ok(new EmojiRecents({ store: memory() }).quick().every((emoji) => taken.has(emoji)));
});

test("the emoji last used come first, each once, and the skin tone is remembered", () => {
  const store = memory();
  const recents = new EmojiRecents({ store });
  for (const emoji of ["😀", "🎉", "😀"]) recents.used(emoji);
  recents.tone = 4;
  assert.deepEqual(new EmojiRecents({ store }).list, ["😀", "🎉"]);
  assert.equal(new EmojiRecents({ store }).tone, 4);
  for (let number = 0; number < 50; number += 1) recents.used(String.fromCodePoint(0x1f400 + number));
  assert.equal(recents.list.length, 32);
});

test("the reaction bar has six: those last used, then the usual ones, no gesture twice", () => {
  const recents = new EmojiRecents({ store: memory() });
  assert.deepEqual(recents.quick(), ["👍", "❤️", "😂", "😮", "😢", "🙏"]);
  recents.used("👍🏽");
  recents.used("🎉");
  assert.deepEqual(recents.quick(), ["🎉", "👍🏽", "❤️", "😂", "😮", "😢"]);
});

test("a browser that refuses storage, or whose storage holds something else, still has a reaction bar", () => {
  for (const kept of [null, [], { recent: { not: "a list" }, tone: "dark" }, { recent: [1, null] }]) {
    const recents = new EmojiRecents({ store: { get: () => kept, set: () => false } });
    recents.used("🎉");
    assert.equal(recents.quick()[0], "👍");
    assert.equal(recents.tone, 0);
  }
});

test("a colon at the start of a word and two letters ask for an emoji", () => {
  for (const [text, query] of [
    [":sm", "sm"],
    ["hi :smile", "smile"],
    ["(:he", "he"],
    ["a\n:сердце", "сердце"],
    [":thumbs_up", "thumbs up"],
    [":s", null],
    ["10:30", null],
    ["a:smile", null],
    ["https://a", null],
    [":) ", null],
    [":-)", null],
    [":smile ", null],
    [":D:", null],
    ["", null],
  ])
    assert.equal(askedEmoji(text, text.length)?.query ?? null, query, text);
  assert.deepEqual(askedEmoji("a :smile b", 6), { start: 2, end: 6, query: "smi" });
});
