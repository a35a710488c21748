// The emoji last used and the skin tone chosen. They stay on this device and go at log-out (docs/interface.md X9, D5).

const KEY = "emoji";
const KEPT = 32;
const QUICK = 6;
/** Fills the reaction bar until the user has used as many. */
const FIRST = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
const TONE = /[\u{1f3fb}-\u{1f3ff}]/gu;
const LIGHTEST = 0x1f3fb;
const TONES = [0, 1, 2, 3, 4, 5];
const BASE = /(\p{Emoji_Modifier_Base})\ufe0f?/gu;

/** `tone` 1 (light) to 5 (dark), 0 for none. Two people who hold hands get one tone; their hands have none. */
export function withTone(emoji, tone) {
  if (!tone) return emoji;
  const modifier = String.fromCodePoint(LIGHTEST + tone - 1);
  return emoji.replace(BASE, (found, base) => (base === "🤝" ? found : base + modifier));
}

const bare = (emoji) => emoji.replace(TONE, "").replaceAll("\ufe0f", "");

export class EmojiRecents {
  #store;

  /** `store` is net/store.js. */
  constructor({ store }) {
    this.#store = store;
  }

  /** The storage may hold anything. */
  get #kept() {
    const { recent, tone } = this.#store.get(KEY) ?? {};
    const list = Array.isArray(recent) ? recent.filter((emoji) => typeof emoji === "string") : [];
    return { recent: list, tone: tone in TONES ? tone : 0 };
  }

  /** The newest first. */
  get list() {
    return this.#kept.recent;
  }

  /** 0 to 5. */
  get tone() {
    return this.#kept.tone;
  }

  set tone(tone) {
    this.#store.set(KEY, { ...this.#kept, tone });
  }

  used(emoji) {
    const recent = [emoji, ...this.list.filter((other) => other !== emoji)].slice(0, KEPT);
    this.#store.set(KEY, { ...this.#kept, recent });
  }

  /** The six last used, for the reaction bar; one emoji in two skin tones stands there once. */
  quick() {
    const chosen = [];
    for (const emoji of [...this.list, ...FIRST])
      if (chosen.length < QUICK && !chosen.some((other) => bare(other) === bare(emoji))) chosen.push(emoji);
    return chosen;
  }
}
