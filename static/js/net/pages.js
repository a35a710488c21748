// Fetches a page of the shell, to be shown without a page load.

import { pageData } from "../lib/dom.js";

const TIMEOUT_MS = 10_000;

const release = (page) => page.querySelector('meta[name="release"]')?.content;

/**
 * {page, data}; "elsewhere" when the address leads to something else (signed out, another account, gone, a newer
 * release, another language: half of a page in each would be neither); {retryAfterMs} when it cannot be had now.
 */
export async function fetchPage(path, { me }) {
  try {
    const answer = await fetch(path, {
      headers: { Accept: "text/html", "X-Acting-User": me },
      signal: AbortSignal.timeout?.(TIMEOUT_MS),
    });
    if (answer.status >= 500 || answer.status === 429)
      return { retryAfterMs: 1_000 * Number(answer.headers.get("Retry-After")) || 0 };
    if (!answer.ok || new URL(answer.url).pathname !== path) return "elsewhere";
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const data = pageData(page);
    const isOurs =
      data.user?.id === me &&
      release(page) === release(document) &&
      page.documentElement.lang === document.documentElement.lang;
    return isOurs ? { page, data } : "elsewhere";
  } catch {
    return { retryAfterMs: 0 };
  }
}
