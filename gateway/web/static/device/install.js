/** The service worker, which lets pages be opened without a network: in a secure context only. */

const WORKER = "/service-worker.js";

/** Whether this page has what browsers give to secure contexts only: waking screens, installing, opening offline. */
export const isSecure = () => globalThis.isSecureContext && "serviceWorker" in navigator;

/** Register the worker, and let it keep what this page has loaded. */
export async function registerWorker() {
  if (!isSecure()) return;
  const { trustedTypes } = /** @type {any} */ (globalThis);
  const policy = trustedTypes?.createPolicy("comanda", { createScriptURL: onlyWorker });
  try {
    await navigator.serviceWorker.register(policy ? policy.createScriptURL(WORKER) : WORKER);
    const { active } = await navigator.serviceWorker.ready;
    const files = performance.getEntriesByType("resource").map(({ name }) => name);
    const here = location.href.replace(/#.*/, "");
    active?.postMessage({ keep: [here, ...files.filter((name) => name.includes("/static/"))] });
  } catch (error) {
    console.info("pages cannot be opened without a network here", error);
  }
}

/** @param {string} address */
function onlyWorker(address) {
  if (address !== WORKER) throw new TypeError(`${address} is no script of this site's`);
  return address;
}
