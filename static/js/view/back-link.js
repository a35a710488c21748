// The arrow above the sections of the settings leads to where one came from, for as long as this tab stays in the settings.

const KEY = "entre:way-back";

/** `link` leads to the list of chats where nothing better is known. */
export function setBackLink(link, { storage = () => sessionStorage, referrer = document.referrer } = {}) {
  try {
    const from = referrer && new URL(referrer);
    if (from && from.origin === location.origin && /^\/(?:chats|people)\//.test(from.pathname))
      storage().setItem(KEY, from.pathname + from.search);
    const kept = storage().getItem(KEY);
    // A path of this site, whatever a storage may say.
    if (kept?.startsWith("/") && !kept.startsWith("//")) link.href = kept;
  } catch {
    // A browser that keeps nothing.
  }
}
