// The service worker (/sw.js): shows the offline page when a page cannot be loaded, and takes pictures that another app
// shares. It reads and caches nothing else.

import { SHARED, storeShared } from "./shared-files.js";

/**
 * `page` and `files` are the offline page and what it is drawn with; both are fetched once, at installation. Nothing is
 * ever added to the cache later, so no answer of the server that knows a person can get into it. Without a `page` the
 * worker does nothing. `share` is the address to which the browser posts what another app shares.
 */
export function serve(scope, { cache: name, page, files, share }) {
  // Not caches.open(), which would create the cache again after a log-out has deleted it.
  const kept = (path) => scope.caches.match(path, { cacheName: name, ignoreVary: true });
  const isKept = new Set(files);

  /** Not from the HTTP cache, which may hold the page in a previous language. */
  async function install() {
    if (page)
      await (
        await scope.caches.open(name)
      ).addAll([page, ...files].map((path) => new Request(path, { cache: path === page ? "reload" : "default" })));
    // The files are named by their content, so old and new pages may share them.
    await scope.skipWaiting();
  }

  async function activate() {
    for (const other of await scope.caches.keys())
      if (other.startsWith("offline-") && other !== name) await scope.caches.delete(other);
    // The browser requests the page while the worker starts up.
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

  /** Pictures wait for the page of the chats, which asks to whom they go. A shared link is the server's. */
  async function take(request) {
    const form = await request.formData();
    const isStored = await storeShared(scope.caches, form);
    const rest = new URLSearchParams([...form].filter(([key, value]) => key !== "files" && typeof value === "string"));
    return Response.redirect(new URL(isStored ? `/chats/?${SHARED}` : `${share}?${rest}`, request.url), 303);
  }

  scope.addEventListener("install", (event) => event.waitUntil(install()));
  scope.addEventListener("activate", (event) => event.waitUntil(activate()));
  scope.addEventListener("fetch", (event) => {
    const { request } = event;
    const { pathname } = new URL(request.url);
    if (page && request.method === "POST" && request.mode === "navigate" && pathname === share)
      return event.respondWith(take(request));
    if (!page || request.method !== "GET") return;
    if (request.mode === "navigate") event.respondWith(visit(event));
    else if (isKept.has(pathname)) event.respondWith(kept(pathname).then((file) => file ?? fetch(request)));
  });
}
