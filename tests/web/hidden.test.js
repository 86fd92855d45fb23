/** Pages that nobody sees give up their connections, but the two that were hidden last. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { yieldWhileHidden } from "../../gateway/web/static/live/hidden.js";

/** @param {any[]} channels */
function newPage(channels) {
  const page = Object.assign(new EventTarget(), { hidden: false });
  const channel = {
    onmessage: () => {},
    postMessage: () => {
      for (const each of channels) if (each !== channel) each.onmessage();
    },
  };
  channels.push(channel);
  const client = { isOpen: true, start: () => (client.isOpen = true), stop: () => (client.isOpen = false) };
  yieldWhileHidden(/** @type {any} */ (client), /** @type {any} */ (page), /** @type {any} */ (channel));
  const show = (/** @type {boolean} */ isShown) => {
    page.hidden = !isShown;
    page.dispatchEvent(new Event("visibilitychange"));
  };
  return { client, show };
}

test("of ten pages that are hidden one after another the last two are connected, and any that is seen again", () => {
  /** @type {any[]} */
  const channels = [];
  const pages = Array.from({ length: 10 }, () => newPage(channels));
  for (const page of pages) page.show(false);
  assert.deepEqual(
    pages.map(({ client }) => client.isOpen),
    [...new Array(8).fill(false), true, true],
  );
  pages[0].show(true);
  assert.equal(pages[0].client.isOpen, true);
});
