// Pictures that another app shares with this one, and the words with them: kept by the service worker until the page of
// the chats takes them.

/** The name of the cache, and the parameter of the page that takes them. */
export const SHARED = "shared-files";
const MOST = 10;
const MOST_CHARS = 8_000;
const CAPTION = `/${SHARED}/caption`;

/** What another app says of the pictures, each once, in lines: apps often put the link into the text as well. */
function captionOf(form) {
  const parts = ["title", "text", "url"].map((name) => form.get(name)).filter((value) => typeof value === "string");
  const lines = parts.map((part) => part.trim().slice(0, MOST_CHARS)).filter(Boolean);
  const isSaid = (line, at) =>
    lines.some((other, place) => place !== at && other.includes(line) && (other !== line || place < at));
  return lines
    .filter((line, at) => !isSaid(line, at))
    .join("\n")
    .slice(0, MOST_CHARS);
}

/** `form` of the share target. False when it has no files. Those of before are replaced. */
export async function storeShared(caches, form) {
  const files = form.getAll("files").filter((entry) => typeof entry === "object" && entry.size).slice(0, MOST);
  await caches.delete(SHARED);
  if (!files.length) return false;
  const cache = await caches.open(SHARED);
  for (const [at, file] of files.entries()) {
    const headers = { "Content-Type": file.type, "X-Name": encodeURIComponent(file.name) };
    await cache.put(`/${SHARED}/${at}`, new Response(file, { headers }));
  }
  await cache.put(CAPTION, new Response(captionOf(form)));
  return true;
}

/** {files, caption}, which are no longer kept from then on. */
export async function takeShared(caches) {
  if (!(await caches?.has(SHARED))) return { files: [], caption: "" };
  const cache = await caches.open(SHARED);
  const caption = (await (await cache.match(CAPTION))?.text()) ?? "";
  const kept = await Promise.all((await cache.keys()).map((request) => cache.match(request)));
  const files = kept
    .filter((response) => response.headers.has("X-Name"))
    .map(async (response) => {
      const name = decodeURIComponent(response.headers.get("X-Name"));
      return new File([await response.blob()], name, { type: response.headers.get("Content-Type") });
    });
  const taken = { files: await Promise.all(files), caption };
  await caches.delete(SHARED);
  return taken;
}
