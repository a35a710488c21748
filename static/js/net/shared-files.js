// Pictures that another app shares with this one: kept by the service worker until the page of the chats takes them.

/** The name of the cache, and the parameter of the page that takes them. */
export const SHARED = "shared-files";
const MOST = 10;

/** False when there are none. Those of before are replaced. */
export async function storeShared(caches, entries) {
  const files = entries.filter((entry) => typeof entry === "object" && entry.size).slice(0, MOST);
  await caches.delete(SHARED);
  if (!files.length) return false;
  const cache = await caches.open(SHARED);
  for (const [at, file] of files.entries()) {
    const headers = { "Content-Type": file.type, "X-Name": encodeURIComponent(file.name) };
    await cache.put(`/${SHARED}/${at}`, new Response(file, { headers }));
  }
  return true;
}

/** The files, which are no longer kept from then on. */
export async function takeShared(caches) {
  if (!(await caches?.has(SHARED))) return [];
  const cache = await caches.open(SHARED);
  const kept = await Promise.all((await cache.keys()).map((request) => cache.match(request)));
  const files = await Promise.all(
    kept.map(async (response) => {
      const name = decodeURIComponent(response.headers.get("X-Name"));
      return new File([await response.blob()], name, { type: response.headers.get("Content-Type") });
    }),
  );
  await caches.delete(SHARED);
  return files;
}
