/**
 * Lets pages that nobody sees give up their connections: a browser has six to a gateway over HTTP/1.1, for all its pages.
 *
 * The two that were hidden last keep theirs, so that a station behind another page still makes its sounds. The others
 * connect again, from where they were, when they are seen.
 */

/** @import { EventsClient } from "./events.js" */

const KEPT = 2;

/**
 * @param {EventsClient} client
 * @param {Document} page
 * @param {BroadcastChannel} channel of the pages of this browser
 */
export function yieldWhileHidden(client, page = document, channel = new BroadcastChannel("comanda.hidden")) {
  let later = 0;
  const change = () => {
    later = 0;
    if (page.hidden) channel.postMessage("hidden");
    else client.start();
  };
  channel.onmessage = () => {
    later += 1;
    if (page.hidden && later >= KEPT) client.stop();
  };
  page.addEventListener("visibilitychange", change);
  if (page.hidden) change();
}
