// Submits a form of a page in the background: the same address and fields, and a short JSON answer.

const TIMEOUT_MS = 10_000;
const UPLOAD_MS = 120_000;

/**
 * The result: "saved", "refused" (with `errors` by field), "signed-out", "old" (the page's token), "limited",
 * "too-large", "unavailable".
 */
export async function postForm(url, body, { fetch, csrf, me }) {
  const isUpload = [...body.values()].some((value) => typeof value !== "string");
  const response = await fetch(url, {
    method: "POST",
    body,
    headers: { Accept: "application/json", "X-CSRFToken": csrf(), ...(me && { "X-Acting-User": me }) },
    credentials: "same-origin",
    // A redirect leads to the log-in page; following it would look like a response.
    redirect: "manual",
    signal: AbortSignal.timeout?.(isUpload ? UPLOAD_MS : TIMEOUT_MS),
  }).catch(() => null);
  if (!response) return { state: "away" };
  if (response.type === "opaqueredirect" || response.status === 401) return { state: "signed-out" };
  if (response.ok) return { state: "saved", ...(await response.json().catch(() => ({}))) };
  const { errors = {} } = await response.json().catch(() => ({}));
  // 409: another account has logged in since the page was loaded.
  const state = { 403: "old", 409: "old", 413: "too-large", 422: "refused", 429: "limited" }[response.status] ?? "away";
  return { state: Object.keys(errors).length ? "refused" : state, errors };
}
