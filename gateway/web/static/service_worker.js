/**
 * Lets pages be opened again without a network: the network first, and only where there is none what was kept.
 *
 * A page that comes from here says so (`data-kept` on its root), so that no screen looks up to date that is not. Nothing
 * but pages and their files is kept, and no page outlives a sign-out or the right to it.
 */

const NAME = "comanda";
const PATIENT_MS = 6000;
const worker = /** @type {any} */ (self);

/** @param {Request} request */
async function openPage(request) {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request.url);
  try {
    const response = await (kept ? Promise.race([fetch(request), tooLate()]) : fetch(request));
    if (response.ok && !response.redirected) await cache.put(request.url, response.clone());
    else if (response.status === 401 || response.status === 403) await cache.delete(request.url);
    return response;
  } catch (error) {
    if (!kept) throw error;
    const text = await kept.text();
    return new Response(text.replace("<html ", '<html data-kept="true" '), { headers: kept.headers });
  }
}

/** Fail after a while: a network that is there but delivers nothing is none. @returns {Promise<never>} */
const tooLate = () => new Promise((_, fail) => setTimeout(() => fail(new Error("no response in time")), PATIENT_MS));

/** Files of a version never change, so the first copy is as good as any. @param {Request} request */
async function openFile(request) {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request.url);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok && (response.headers.get("cache-control") ?? "").includes("immutable")) {
    await cache.put(request.url, response.clone());
  }
  return response;
}

/** Keep what a page has loaded before this worker ran, and forget files of other versions. @param {string[]} addresses */
async function keep(addresses) {
  const cache = await caches.open(NAME);
  for (const address of addresses) {
    if (await cache.match(address)) continue;
    const response = await fetch(address, { headers: { accept: "text/html, */*;q=0.5" } }); // `/` is JSON for programs
    if (response.ok && !response.redirected) await cache.put(address, response);
  }
  const folder = addresses.find((address) => address.includes("/static/"))?.match(/^.*\/static\/[^/]+\//)?.[0];
  for (const { url } of await cache.keys()) {
    if (folder && url.includes("/static/") && !url.startsWith(folder)) await cache.delete(url);
  }
}

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("message", (/** @type {any} */ event) => event.waitUntil(keep(event.data.keep)));
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const { pathname, origin } = new URL(request.url);
  if (origin !== worker.location.origin) return;
  if (request.method === "POST" && pathname === "/sign-out") event.waitUntil(caches.delete(NAME));
  if (request.method !== "GET") return;
  if (pathname.startsWith("/t/")) return; // only a person opens a code, which the headers of a worker's request do not say
  if (request.mode === "navigate") event.respondWith(openPage(request));
  else if (pathname.startsWith("/static/")) event.respondWith(openFile(request));
});
