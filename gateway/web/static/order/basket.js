/** What guests do with the basket, and what is said of it. */

import { addLines, MOST_LINES, quantityOf, takeOne } from "./lines.js";

/** @import { App } from "./app.js" */
/** @import { CatalogItem } from "./catalog.js" */
/** @import { BasketLine } from "./lines.js" */

/**
 * @param {CatalogItem} item
 * @param {Partial<BasketLine>} [part]
 * @returns {BasketLine}
 */
export function lineOf(item, part = {}) {
  return {
    department: item.department,
    item: item.id,
    quantity: 1,
    note: "",
    allergy: false,
    price: item.price,
    ...part,
  };
}

/**
 * @param {CatalogItem} item
 * @param {App} app
 */
export function addOne(item, app) {
  app.draft.change({ lines: addLines(app.draft.lines, [lineOf(item)]) });
  say(item, app);
}

/**
 * Take one of an item away; the focus stays where it was, also where its button leaves.
 *
 * @param {CatalogItem} item
 * @param {App} app
 */
export function removeOne(item, app) {
  app.draft.change({ lines: takeOne(app.draft.lines, item.department, item.id) });
  say(item, app);
  if (quantityOf(app.draft.lines, item.department, item.id)) return;
  app.draw();
  const row = document.querySelector(`[data-department="${item.department}"][data-item="${CSS.escape(item.id)}"]`);
  const button = row?.querySelector(".add-button") ?? row?.querySelector("button");
  if (button instanceof HTMLElement) button.focus({ preventScroll: true });
}

/**
 * @param {CatalogItem} item
 * @param {App} app
 */
export function say(item, app) {
  const quantity = quantityOf(app.draft.lines, item.department, item.id);
  app.announce(app.shell.t("order.now_in_basket", { title: item.title, number: quantity }));
}

/** Whether another line fits into an order. @param {BasketLine[]} lines */
export const hasRoom = (lines) => lines.length < MOST_LINES;
