/** Reads the menu where events do not bring it: after a refusal, and while there is no stream of them. */

/** @import { Store } from "../live/store.js" */
/** @import { Reply } from "../moves/send.js" */

/**
 * Read the menu, and let the store have it.
 *
 * @param {Store} store
 * @param {(method: string, path: string, body?: unknown) => Promise<Reply>} send
 */
export async function readMenu(store, send) {
  const { status, body } = await send("GET", "/menu");
  if (status !== 200) return;
  const since = new Date(store.clock.now()).toISOString();
  for (const { name, titles, state, items } of body.departments) {
    store.take("department", { name, state, since });
    if (state !== "open") continue;
    store.take("menu", { department: name, titles, items, late_seconds: null, very_late_seconds: null });
    for (const { id, available, on_sale } of items)
      store.take("item", { department: name, item: id, available, on_sale });
  }
}
