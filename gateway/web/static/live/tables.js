/** Tickets by table: what is missing, ready and late. An order without a table stands for itself. */

import { isOpen, levelOf } from "./tickets.js";

/** @import { Level } from "./tickets.js" */
/** @import { Menu, Ticket } from "./states.js" */

/**
 * @typedef {object} Table
 * @property {string} key `table 7`; `order <id>` of an order without a table
 * @property {string} name of the table; empty without one
 * @property {number | null} number of the order without a table
 * @property {Ticket[]} tickets that are open, the oldest first
 * @property {Ticket[]} ready
 * @property {Ticket[]} making
 * @property {Ticket[]} late those of them that are being made for too long
 * @property {Level} level of the latest of them
 * @property {string} placedAt of the oldest ticket
 * @property {string} orderId of it
 */

/** @param {string} name */
export const keyOfTable = (name) => `table ${name}`;

/**
 * Return the key of a ticket's table.
 *
 * @param {{table: string | null, order_id: string}} ticket
 */
export const tableKeyOf = ({ table, order_id }) => (table ? keyOfTable(table) : `order ${order_id}`);

/**
 * Return the tables that have something open, the one that has waited longest first.
 *
 * @param {Ticket[]} tickets the oldest first
 * @param {number} now on the server's clock
 * @param {Map<string, Menu>} menus
 * @returns {Table[]}
 */
export function openTables(tickets, now, menus) {
  /** @type {Map<string, Ticket[]>} */
  const found = new Map();
  for (const ticket of tickets.filter(isOpen)) {
    const own = found.get(tableKeyOf(ticket));
    if (own) own.push(ticket);
    else found.set(tableKeyOf(ticket), [ticket]);
  }
  return [...found].map(([key, own]) => tableOf(key, own, now, menus));
}

/**
 * @param {string} key
 * @param {Ticket[]} tickets
 * @param {number} now
 * @param {Map<string, Menu>} menus
 * @returns {Table}
 */
function tableOf(key, tickets, now, menus) {
  const making = tickets.filter(({ state }) => state !== "ready");
  const levelNow = (/** @type {Ticket} */ ticket) => levelOf(ticket, now, menus.get(ticket.department));
  const late = making.filter(levelNow);
  const isVeryLate = late.some((ticket) => levelNow(ticket) === "very-late");
  const [{ table, number, placed_at, order_id }] = tickets;
  return {
    key,
    name: table ?? "",
    number: table ? null : number,
    tickets,
    ready: tickets.filter(({ state }) => state === "ready"),
    making,
    late,
    level: isVeryLate ? "very-late" : late.length ? "late" : "",
    placedAt: placed_at ?? "",
    orderId: order_id,
  };
}

/**
 * Sort names as people count, `2` before `10`.
 *
 * @param {string} language
 * @returns {(one: string, other: string) => number}
 */
export function byName(language) {
  return new Intl.Collator(language, { numeric: true, sensitivity: "base" }).compare;
}
