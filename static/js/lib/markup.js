// Parses the markup of a body: *bold*, _italic_, ~strike~, `code`, fenced blocks, quotes and lists. Pure: returns a
// tree of plain objects. conversations/protocol/markup.py is its twin; tests/golden/markup.json holds both.
//
// Hostile text costs linear time: every rule looks at a character a bounded number of times, quotes nest at most
// DEEPEST times, and of each sign only one may be open.

import { linksIn } from "./links.js";
import { isBlank, LineParser, SPACE } from "./markup-line.js";

const FENCE = "```";
/** Quotes within quotes. Deeper ones stay as typed. */
const DEEPEST = 3;
const NUMBER = /(\d{1,3})\. (?=\S)/y;
const LANGUAGE = /^[a-z][a-z0-9+#.-]{0,14}$/;
const SIGNS = /[*_~`]|^(?:>|- |\d{1,3}\. )/m;

/** Only such a text may have markup. */
export const hasSigns = (body) => SIGNS.test(body);

/**
 * The body as blocks: `{kind: "lines", nodes}`, `{kind: "fence", nodes}`, `{kind: "quote", blocks}`,
 * `{kind: "list", items: [{number, nodes}]}`, where a bullet has no number. Nodes: `{kind: "text", text}`,
 * `{kind: "link", text, typed, href}`, `{kind: "bold" | "italic" | "strike" | "code", nodes}`.
 */
export function parseMarkup(body) {
  const lines = [];
  for (let start = 0; start <= body.length; ) {
    const found = body.indexOf("\n", start);
    const end = found < 0 ? body.length : found;
    lines.push({ start, end });
    start = end + 1;
  }
  return new Parser(body).blocks(lines, 0);
}

class Parser {
  #body;
  #line;

  constructor(body) {
    this.#body = body;
    this.#line = new LineParser(body, linksIn(body));
  }

  blocks(lines, depth) {
    const blocks = [];
    let loose = [];
    let at = 0;
    const ends = this.#fenceEnds(lines);
    const flush = (isBeforeBlock) => {
      // The block stands apart by its margin: the empty lines next to it would double the distance.
      while (isBeforeBlock && loose.length && isBlank(this.#text(loose.at(-1)))) loose.pop();
      const from = blocks.length ? loose.findIndex((line) => !isBlank(this.#text(line))) : 0;
      if (from >= 0 && loose.length) blocks.push({ kind: "lines", nodes: this.#joined(loose.slice(from)) });
      loose = [];
    };
    while (at < lines.length) {
      const quote = () => (depth < DEEPEST ? this.#quote(lines, at, depth) : null);
      const found = this.#fence(lines, at, ends) ?? quote() ?? this.#list(lines, at);
      if (found) {
        flush(true);
        blocks.push(found.block);
        at = found.next;
      } else loose.push(lines[at++]);
    }
    flush(false);
    return blocks;
  }

  #text({ start, end }) {
    return this.#body.slice(start, end);
  }

  /** For each line the first one after it that ends a fence, or -1: looked up once, not once for each opening. */
  #fenceEnds(lines) {
    const ends = new Array(lines.length);
    let next = -1;
    for (let at = lines.length - 1; at >= 0; at -= 1) {
      ends[at] = next;
      const text = this.#text(lines[at]).trimEnd();
      if (text.endsWith(FENCE) && text.indexOf(FENCE) === text.length - FENCE.length) next = at;
    }
    return ends;
  }

  /** "```" alone or with a language, or with the first line of the text right after it; likewise at the end. */
  #fence(lines, at, ends) {
    const { start, end } = lines[at];
    const last = ends[at];
    if (last < 0 || !this.#body.startsWith(FENCE, start)) return null;
    const opening = { start: start + FENCE.length, end };
    const first = this.#text(opening);
    if (first.includes("`")) return null;
    const closing = { start: lines[last].start, end: lines[last].start + this.#text(lines[last]).lastIndexOf(FENCE) };
    const isAlone = isBlank(this.#text(closing));
    const inner = lines.slice(at + 1, last);
    if (!isBlank(first) && !(isAlone && LANGUAGE.test(first))) inner.unshift(opening);
    if (!isAlone) inner.push(closing);
    if (inner.every((line) => isBlank(this.#text(line)))) return null;
    const nodes = this.#joined(inner, (start, end) => this.#line.code(start, end));
    return { block: { kind: "fence", nodes }, next: last + 1 };
  }

  #quote(lines, at, depth) {
    const inner = [];
    let next = at;
    for (; next < lines.length; next += 1) {
      const { start, end } = lines[next];
      const isQuoted = start < end && this.#body[start] === ">" && (end === start + 1 || this.#body[start + 1] === " ");
      if (!isQuoted) break;
      inner.push({ start: Math.min(start + 2, end), end });
      // An empty line starts no quote. Judged here, at the first line: at the end it would be judged for each of them.
      if (next === at && isBlank(this.#text(inner[0]))) return null;
    }
    if (next === at) return null;
    return { block: { kind: "quote", blocks: this.blocks(inner, depth + 1) }, next };
  }

  #list(lines, at) {
    const items = [];
    let next = at;
    let isNumbered = null;
    for (; next < lines.length; next += 1) {
      const item = this.#item(lines[next]);
      if (!item || (isNumbered ??= item.number !== null) !== (item.number !== null)) break;
      items.push({ number: item.number, nodes: this.#line.nodes(item.start, lines[next].end) });
    }
    return items.length ? { block: { kind: "list", items }, next } : null;
  }

  #item({ start, end }) {
    if (this.#body.startsWith("- ", start))
      return start + 2 < end && !SPACE.test(this.#body[start + 2]) ? { number: null, start: start + 2 } : null;
    NUMBER.lastIndex = start;
    const found = NUMBER.exec(this.#body);
    return found ? { number: Number(found[1]), start: NUMBER.lastIndex } : null;
  }

  #joined(lines, parse = (start, end) => this.#line.nodes(start, end)) {
    const nodes = [];
    for (const [index, { start, end }] of lines.entries()) {
      if (index) nodes.push({ kind: "text", text: "\n" });
      nodes.push(...parse(start, end));
    }
    return merged(nodes);
  }
}

/** Neighbouring texts as one. */
function merged(nodes) {
  const all = [];
  for (const node of nodes) {
    const last = all.at(-1);
    if (node.kind === "text" && last?.kind === "text") last.text += node.text;
    else all.push(node);
  }
  return all;
}

const word = ({ text, typed, nodes }) => (nodes ? words(nodes) : (typed ?? text));
const words = (nodes) => nodes.map(word).join("");

const BLOCKS = {
  lines: ({ nodes }) => words(nodes),
  fence: ({ nodes }) => words(nodes),
  quote: ({ blocks }) => plainBlocks(blocks),
  list: ({ items }) =>
    items.map(({ number, nodes }) => `${number === null ? "•" : `${number}.`} ${words(nodes)}`).join("\n"),
};
const plainBlocks = (blocks) => blocks.map((block) => BLOCKS[block.kind](block)).join("\n");

/** The text without the signs: for rows, notifications and screen readers. */
export const plainText = (body) => (hasSigns(body) ? plainBlocks(parseMarkup(body)) : body);
