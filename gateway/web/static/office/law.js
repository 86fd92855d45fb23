/** The law of the stock, which the page shows and checks. */

/** @import { Stock } from "../live/states.js" */

/**
 * Return whether received = on hand + held + sold + wasted; an item without a figure has none to keep.
 *
 * @param {Stock} stock
 */
export const keepsLaw = ({ received, on_hand, held, sold, wasted, unlimited }) =>
  unlimited || received === on_hand + held + sold + wasted;
