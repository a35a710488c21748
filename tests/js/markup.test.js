import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import test from "node:test";
import { hasSigns, parseMarkup, plainText } from "../../static/js/lib/markup.js";

const golden = JSON.parse(readFileSync(new URL("../golden/markup.json", import.meta.url), "utf8"));

const node = ({ kind, text, href, nodes }) =>
  kind === "text" ? text : kind === "link" ? ["link", text, href] : [kind, ...nodes.map(node)];

const block = ({ kind, nodes, blocks, items }) =>
  kind === "quote"
    ? [kind, ...blocks.map(block)]
    : kind === "list"
      ? [kind, ...items.map((item) => [item.number, ...item.nodes.map(node)])]
      : [kind, ...nodes.map(node)];

/** Shared with the server (tests/protocol/test_markup.py). */
for (const { says, cases } of golden) {
  test(`markup: ${says}`, () => {
    for (const { text, is, plain } of cases) {
      assert.deepEqual(parseMarkup(text).map(block), is, text);
      assert.equal(plainText(text), plain, text);
    }
  });
}

test("a body without signs is not parsed: it has no markup", () => {
  for (const { cases } of golden)
    for (const { text, plain } of cases) if (!hasSigns(text)) assert.equal(plain, text);
});

/** How often the parts of markup.js and links.js ran: the same on every machine, unlike time. */
async function steps(session, body) {
  await session.post("Profiler.takePreciseCoverage");
  parseMarkup(body);
  plainText(body);
  const { result } = await session.post("Profiler.takePreciseCoverage");
  const ours = result.filter(({ url }) => /\/lib\/(?:markup|markup-line|links)\.js/.test(url));
  assert.ok(ours.length);
  return ours
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges.map(({ count }) => count)))
    .reduce((sum, count) => sum + count, 0);
}

// prettier-ignore
const HOSTILE = [
  "*", "* ", "*a ", "_~*", "_a ~b *c ", "*a* ", "`", "` ", "`a", "`a ``b ", "> ", "> > > > ", "> a\n", ">\n",
  ">\n> a\n", "```\n", "```a\n", "```\n\n", "- ", "- a\n", "1. a\n", "\n", "www.a.b ", "https://",
  "*https://a.example/*\n", "é*", "[*_~`]",
];

test("hostile text costs linear time", async () => {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  for (const piece of HOSTILE) {
    // The engine drops counts when it collects garbage. Too few cannot happen to the same count three times.
    const counts = { short: 0, long: Infinity };
    for (let attempt = 0; attempt < 3; attempt += 1) {
      counts.short = Math.max(counts.short, await steps(session, piece.repeat(Math.floor(1_000 / piece.length))));
      counts.long = Math.min(counts.long, await steps(session, piece.repeat(Math.floor(8_000 / piece.length))));
    }
    // Eight times as much text; quadratic cost would be 64 times as many.
    assert.ok(counts.long <= 16 * counts.short + 1_000, `${JSON.stringify(piece)}: ${JSON.stringify(counts)}`);
  }
  session.disconnect();
});

test("quotes nest at most three times, however many marks are typed", () => {
  let depth = 0;
  for (let [found] = parseMarkup(`${"> ".repeat(3_999)}a`); found.kind === "quote"; [found] = found.blocks) depth += 1;
  assert.equal(depth, 3);
});
