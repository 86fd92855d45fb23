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
  client.start();
  return { store, client };
}
