// The emoji of one language (static/emoji/*.json, made by tools/emoji.py): categories, names and search.

import { plain } from "./fuzzy-search.js";

const words = (text) => plain(text).match(/[\p{L}\p{N}]+/gu) ?? [];

export class EmojiSearch {
  #all;

  /**
   * `categories`: lists of `[emoji, name, search words, has skin tones, version]`, the first search word being the
   * short English name. `canDraw(emoji)`: an emoji of a late version, or a flag, that the font does not have is left
   * out.
   */
  constructor(categories, { canDraw = () => true } = {}) {
    const entry = ([emoji, name, more = "", hasTones = 0, version = 0], isFlag) =>
      (version || isFlag) && !canDraw(emoji)
        ? null
        : { emoji, name, hasTones: Boolean(hasTones), named: words(name), more: more.split(" ") };
    const flags = categories.length - 1;
    this.categories = categories.map((rows, index) =>
      rows.map((row) => entry(row, index === flags)).filter((found) => found !== null),
    );
    this.#all = this.categories.flat();
  }

  /** The entry of an emoji, in any skin tone, or null. */
  find(emoji) {
    const bare = (text) => text.replace(/[\u{1f3fb}-\u{1f3ff}\ufe0f]/gu, "");
    return this.#all.find((entry) => bare(entry.emoji) === bare(emoji)) ?? null;
  }

  /** Every word of the query begins a word of the name or of the search words; best first, else in their order. */
  search(query, most = 100) {
    const wanted = words(query);
    if (!wanted.length) return [];
    return this.#all
      .map((entry) => ({ entry, worth: worth(entry, wanted) }))
      .filter((found) => found.worth > 0)
      .sort((one, other) => other.worth - one.worth)
      .slice(0, most)
      .map(({ entry }) => entry);
  }
}

/** Best is the name itself, then the short name; a whole word counts more than its beginning, the name more. */
function worth({ named, more }, wanted) {
  if (named.join(" ") === wanted.join(" ")) return 10;
  if (more[0] === wanted.join("")) return 9;
  const inName = (word) => wordWorth(named, word) * 1.2;
  return Math.min(...wanted.map((word) => Math.max(inName(word), wordWorth(more, word))));
}

function wordWorth(known, wanted) {
  let best = 0;
  for (const [index, word] of known.entries())
    if (word.startsWith(wanted)) best = Math.max(best, (word === wanted ? 4 : 1) + (index === 0 ? 2 : 0));
  return best;
}
