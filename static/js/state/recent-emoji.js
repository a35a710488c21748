// The emoji that were used last, on this device only: the reaction bar and the emoji picker offer them first.

const KEY = "recent-emoji";
const KEPT = 24;
const AT_FIRST = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** The last `most` of them; before there are enough, common ones. */
export function recentEmoji(store, most = AT_FIRST.length) {
  const used = store.get(KEY);
  const known = Array.isArray(used) ? used.filter((one) => typeof one === "string") : [];
  return [...new Set([...known, ...AT_FIRST])].slice(0, Math.max(most, 0));
}

export function rememberEmoji(store, emoji) {
  const used = store.get(KEY);
  store.set(KEY, [...new Set([emoji, ...(Array.isArray(used) ? used : [])])].slice(0, KEPT));
}
