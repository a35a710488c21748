// The back link of the settings: it leads to the page where the user came from, as long as this tab stays in the
// settings.

const KEY = "entre:way-back";

/** `link` leads to the list of chats by default. */
export function setBackLink(link, { storage = () => sessionStorage, referrer = document.referrer } = {}) {
  try {
    const from = referrer && new URL(referrer);
    if (from && from.origin === location.origin && /^\/(?:chats|people)\//.test(from.pathname))
      storage().setItem(KEY, from.pathname + from.search);
    const kept = storage().getItem(KEY);
    // Only a path of this site, whatever the storage contains.
    if (kept?.startsWith("/") && !kept.startsWith("//")) link.href = kept;
  } catch {
    // Storage is blocked.
  }
}
