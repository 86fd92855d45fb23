/** Where the waiter is, as the address says it: at the tables, at one of them, or ordering for it. */

import { keyOfTable } from "../live/tables.js";

/**
 * @typedef {object} Place
 * @property {string | null} key of the table, or of an order without one; null at all of them
 * @property {string} table its name; empty for an order without one
 * @property {string} orderId of that order
 * @property {boolean} isOrdering
 */

/** @type {Place} */
export const ALL = { key: null, table: "", orderId: "", isOrdering: false };

/** @param {string} search of an address @returns {Place} */
export function readPlace(search) {
  const query = new URLSearchParams(search);
  const table = (query.get("table") ?? "").trim();
  const orderId = query.get("order") ?? "";
  if (table) return { key: keyOfTable(table), table, orderId: "", isOrdering: query.has("new") };
  return orderId ? { ...ALL, key: `order ${orderId}`, orderId } : ALL;
}

/**
 * @param {string} table
 * @param {boolean} [isOrdering]
 * @returns {Place}
 */
export const atTable = (table, isOrdering = false) => ({ key: keyOfTable(table), table, orderId: "", isOrdering });

/** @param {{table: string | null, order_id: string}} of a ticket or an order @returns {Place} */
export const placeOf = ({ table, order_id }) =>
  table ? atTable(table) : { ...ALL, key: `order ${order_id}`, orderId: order_id };

/** Return the address of a place. @param {Place} place */
export function addressOf({ table, orderId, isOrdering }) {
  if (orderId) return `/waiter?order=${encodeURIComponent(orderId)}`;
  if (!table) return "/waiter";
  return `/waiter?table=${encodeURIComponent(table)}${isOrdering ? "&new=1" : ""}`;
}
