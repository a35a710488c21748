// Runs beside the pages (as /sw.js): shows the offline page when a page cannot be had. Reads and keeps nothing else that passes by.

/**
 * `page` and `files` are the offline page and what it is drawn with; both are fetched once, at installation. Nothing is ever added to the
 * cache later, so no answer of the server that knows a person can get into it. Without a `page` the worker does nothing.
 */
export function serve(scope, { cache: name, page, files }) {
  const kept = async (path) => (await scope.caches.open(name)).match(path, { ignoreVary: true });
  const isKept = new Set(files);

  /** Not out of the browser's own cache: that may hold the page of a language before. */
  async function install() {
    if (page)
      await (
        await scope.caches.open(name)
      ).addAll([page, ...files].map((path) => new Request(path, { cache: path === page ? "reload" : "default" })));
    // What it keeps is named by its content, so old and new pages may share it.
    await scope.skipWaiting();
  }

  async function activate() {
    for (const other of await scope.caches.keys())
      if (other.startsWith("offline-") && other !== name) await scope.caches.delete(other);
    // The browser asks for the page while the worker still wakes up.
    await scope.registration.navigationPreload?.enable();
    await scope.clients.claim();
  }

  async function visit(event) {
    try {
      return (await event.preloadResponse) ?? (await fetch(event.request));
    } catch {
      return (await kept(page)) ?? Response.error();
    }
  }

  scope.addEventListener("install", (event) => event.waitUntil(install()));
  scope.addEventListener("activate", (event) => event.waitUntil(activate()));
  scope.addEventListener("fetch", (event) => {
    const { request } = event;
    if (!page || request.method !== "GET") return;
    const { pathname } = new URL(request.url);
    if (request.mode === "navigate") event.respondWith(visit(event));
    else if (isKept.has(pathname)) event.respondWith(kept(pathname).then((file) => file ?? fetch(request)));
  });
}
