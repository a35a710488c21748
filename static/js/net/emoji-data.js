// Fetches the emoji of the page's language: a static file of about 50 kB.

/** Resolves to its categories (state/emoji-search.js). */
export async function fetchEmoji(source) {
  const response = await fetch(source);
  if (!response.ok) throw new Error(`emoji: ${response.status}`);
  return response.json();
}
