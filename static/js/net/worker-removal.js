// Removes the service worker and its caches where no user is logged in.

/**
 * A log-out removes them (Clear-Site-Data), but another tab that was still loading may have registered the worker
 * afterwards. The browser finishes the installation before it unregisters, so the caches are deleted last.
 */
export async function removeWorker({ serviceWorker, caches }) {
  const registrations = (await serviceWorker?.getRegistrations()) ?? [];
  for (const registration of registrations) await registration.unregister();
  for (const name of (await caches?.keys()) ?? [])
    if (/^(?:offline-|shared-files$)/.test(name)) await caches.delete(name);
}
