/** What somebody says about the stock: how many have come, were wasted or counted. */

/** @import { Stock } from "../live/states.js" */

/**
 * Return the change that a quantity means; undefined where it means none.
 *
 * @param {string} reason
 * @param {number} quantity
 * @param {Stock} stock as it was when the dialog was opened
 */
export function changeOf(reason, quantity, stock) {
  if (!Number.isInteger(quantity) || quantity < 0) return undefined;
  if (reason === "count") return { reason, count: quantity, expected: stock.on_hand };
  if (quantity === 0) return undefined;
  return { reason, delta: reason === "waste" ? -quantity : quantity };
}
