// Parses the markup inside a line: *bold*, _italic_, ~strike~, `code`, and the links among them.

const KINDS = { "*": "bold", _: "italic", "~": "strike" };
export const SPACE = /\s/u;
/** Scripts without spaces between words: there is a border at each of their letters. */
const UNSPACED =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u;
const LETTER = /[\p{L}\p{N}\p{M}]/u;
/** No border either: "¯\_(ツ)_/¯", "^_^", ">_<", "path/*\/", "@_name", "#_tag", "x=*p". */
const JOINS = new Set("\\/^<>@#&=+%$|");

const charBefore = (text, at) =>
  /[\udc00-\udfff]/.test(text[at - 1]) ? String.fromCodePoint(text.codePointAt(at - 2)) : text[at - 1];
const charAt = (text, at) => String.fromCodePoint(text.codePointAt(at));
const isLetter = (char) => LETTER.test(char) && !UNSPACED.test(char);
const isBorder = (char) => !isLetter(char) && !JOINS.has(char);
export const isBlank = (text) => !text.trim();

/** `links` are those of the whole body (lib/links.js), ascending. */
export class LineParser {
  #body;
  #links;

  constructor(body, links) {
    this.#body = body;
    this.#links = links;
  }

  /** The links of [from, to), found by bisection. */
  #linksWithin(from, to) {
    let low = 0;
    for (let high = this.#links.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.#links[middle].start < from) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while (end < this.#links.length && this.#links[end].start < to) end += 1;
    return this.#links.slice(low, end);
  }

  /** Code: nothing but links. */
  code(from, to) {
    return this.#tree(from, to, this.#linksWithin(from, to));
  }

  nodes(from, to) {
    const links = this.#linksWithin(from, to);
    const codes = this.#codes(from, to);
    const pairs = this.#pairs(from, to, [...links, ...codes].sort((a, b) => a.start - b.start));
    return this.#tree(from, to, [...links, ...codes, ...pairs].sort((a, b) => a.start - b.start));
  }

  /** A run of backticks ends at the next run as long as it. */
  #codes(from, to) {
    const runs = [];
    for (const { index, 0: run } of this.#body.slice(from, to).matchAll(/`+/g))
      runs.push({ start: from + index, end: from + index + run.length });
    const closing = new Map();
    for (const [index, run] of [...runs.entries()].reverse()) {
      run.closer = closing.get(run.end - run.start) ?? -1;
      if (run.end === to || !isLetter(charAt(this.#body, run.end))) closing.set(run.end - run.start, index);
    }
    const codes = [];
    for (let index = 0; index < runs.length; index += 1) {
      const { start, end: inner, closer } = runs[index];
      if (closer < 0 || (start > from && isLetter(charBefore(this.#body, start)))) continue;
      const close = runs[closer];
      if (isBlank(this.#body.slice(inner, close.start))) continue;
      codes.push({ kind: "code", start, end: close.end, inner, innerEnd: close.start });
      index = closer;
    }
    return codes;
  }

  /**
   * Signs that belong together. A sign stands alone ("**" is no sign), opens after a border and before a character,
   * and closes the other way round. What is still open within a closed pair stays as typed.
   */
  #pairs(from, to, taken) {
    const body = this.#body;
    const pairs = [];
    let open = [];
    let solid = -1;
    let skip = 0;
    for (let at = from; at < to; at += 1) {
      while (skip < taken.length && taken[skip].end <= at) skip += 1;
      if (skip < taken.length && taken[skip].start <= at) {
        at = taken[skip].end - 1;
        solid = at;
        continue;
      }
      const sign = body[at];
      if (!(sign in KINDS)) {
        if (sign !== "`" && !SPACE.test(sign)) solid = at;
        continue;
      }
      if ((at > from && body[at - 1] === sign) || (at + 1 < to && body[at + 1] === sign)) continue;
      // "-_-", ";_;"
      if (at > from && at + 1 < to && body[at - 1] === body[at + 1] && body[at - 1] < "\x7f") continue;
      const opener = open.findIndex((other) => other.sign === sign);
      const isClosing =
        opener >= 0 &&
        solid > open[opener].at &&
        !SPACE.test(body[at - 1]) &&
        (at + 1 === to || isBorder(charAt(body, at + 1)));
      if (isClosing) {
        const start = open[opener].at;
        pairs.push({ kind: KINDS[sign], start, end: at + 1, inner: start + 1, innerEnd: at });
        open.length = opener;
      } else if (at + 1 < to && !SPACE.test(body[at + 1]) && (at === from || isBorder(charBefore(body, at)))) {
        open = open.filter((other) => other.sign !== sign);
        open.push({ sign, at });
      }
    }
    return pairs;
  }

  /** `items` ascending by start, none crossing another. */
  #tree(from, to, items) {
    let next = 0;
    const build = (start, end) => {
      const nodes = [];
      let done = start;
      while (next < items.length && items[next].start < end) {
        const item = items[next++];
        if (item.start > done) nodes.push({ kind: "text", text: this.#body.slice(done, item.start) });
        const { kind, typed, text, href } = item;
        nodes.push(href ? { kind: "link", text, typed, href } : { kind, nodes: build(item.inner, item.innerEnd) });
        done = item.end;
      }
      if (done < end) nodes.push({ kind: "text", text: this.#body.slice(done, end) });
      return nodes;
    };
    return build(from, to);
  }
}
