/** Puts a page's store and its client of events together. */

import { Clock } from "./clock.js";
import { EventsClient } from "./events.js";
import { Store } from "./store.js";

/** @import { PageData } from "../page.js" */

/**
 * Follow what a page shows; returns the store and the client, which is running.
 *
 * @param {PageData} page
 * @param {Record<string, string>} query `{departments: "bar"}`, `{order: id}`, or `{}` for everything
 */
export function connect(page, query) {
  const isKept = document.documentElement.dataset.kept === "true";
  const store = new Store({ clock: new Clock(page.now_ms), isKept });
  const client = new EventsClient(query, (kind, data) => store.take(kind, data));
  client.ended = (address) => void askWhy(address, store);
  client.start();
  return { store, client };
}

/**
 * Find out whether the events end because the right to them does: an EventSource does not say.
 *
 * @param {string} address
 * @param {Store} store
 */
async function askWhy(address, store) {
  try {
    const { status } = await fetch(address, { method: "HEAD" });
    store.refuse(status === 401 || status === 403);
  } catch {
    store.refuse(false); // there is no connection, which the page says anyway
  }
}
