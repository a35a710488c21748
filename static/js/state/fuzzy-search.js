// Fuzzy search for people by a few letters of name or username, ignoring accents and case; and the adjacent chats of
// the list.

const MARKS = /\p{M}+/gu;

/**
 * Letters without a decomposition, as they are typed on keyboards that lack them. The server has the same table
 * (accounts/folding.py).
 */
// prettier-ignore
const FOLDS = {
  ł: "l", ø: "o", đ: "d", ð: "d", ħ: "h", ŧ: "t", ɨ: "i", ı: "i", ŋ: "n", ĸ: "k", ə: "e", ɓ: "b", ɗ: "d", ƙ: "k",
  þ: "th", æ: "ae", œ: "oe", ß: "ss", ς: "σ",
  "‘": "'", "’": "'", ʼ: "'", ʻ: "'", "‐": "-", "‑": "-", "‒": "-", "–": "-",
};
const FOLDED = new RegExp(`[${Object.keys(FOLDS).join("")}]`, "gu");

/** Without accents and case; ё is е, as it is usually typed. */
export const plain = (text) =>
  text
    .normalize("NFKD")
    .replace(MARKS, "")
    .toLowerCase()
    .replace(MARKS, "")
    .replace(FOLDED, (letter) => FOLDS[letter]);

/**
 * How well the letters of `query` match `text`, in order; 0 for not at all. A prefix counts most, then the start of a
 * word, then proximity.
 */
function score(query, text) {
  if (text.startsWith(query)) return 4;
  const at = text.indexOf(query);
  if (at >= 0) return /[\p{L}\p{N}]/u.test(text[at - 1]) ? 2 : 3;
  let from = -1;
  let first = -1;
  for (const letter of query) {
    from = text.indexOf(letter, from + 1);
    if (from < 0) return 0;
    if (first < 0) first = from;
  }
  return query.length / (from - first + 1);
}

/** The best score of the user's names; every word of the query must match. `@` searches the username alone. */
export function match(query, { name, username }) {
  const words = plain(query).split(/\s+/).filter(Boolean);
  const scores = words.map((word) => {
    if (word === "@") return 1;
    if (word.startsWith("@")) return score(word.slice(1), plain(username));
    return Math.max(score(word, plain(name)), score(word, plain(username)) * 0.9);
  });
  return scores.length && scores.every(Boolean) ? Math.min(...scores) : 0;
}

/**
 * What the quick switcher shows: `{chats, people}`. `rows` in the order of the list, `people` from the directory,
 * `current` is on the screen. Without a query the unread chats lead and the one on the screen is left out: Enter would
 * do nothing. With one the best matches do, and among equals the order stays.
 */
export function suggestions({ query, rows, people = [], current = null, most = 20 }) {
  const isAsked = Boolean(query.trim());
  const worth = (row) => (isAsked ? match(query, row.peer) : Number(row.unread > 0));
  const chats = rows
    .map((row) => ({ row, worth: worth(row) }))
    .filter((found) => (isAsked ? found.worth > 0 : found.row.room !== current));
  chats.sort((a, b) => b.worth - a.worth);
  const known = new Set(rows.map((row) => row.peer.id));
  return {
    chats: chats.slice(0, most).map(({ row }) => row),
    people: people.filter(({ id, can_start: canStart }) => !known.has(id) && canStart !== false).slice(0, most),
  };
}

/**
 * The chat above or below the one on the screen; `unread` skips chats without unread messages. Null at the end, or when
 * there is none.
 */
export function adjacentChat(rows, current, step, { unread = false } = {}) {
  const at = rows.findIndex(({ room }) => room === current);
  const start = at < 0 && step < 0 ? rows.length : at;
  for (let place = start + step; place >= 0 && place < rows.length; place += step)
    if (!unread || rows[place].unread) return rows[place].room;
  return null;
}
