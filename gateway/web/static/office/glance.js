/** What is to be looked after now: tickets that are open or late, items that are low, sold out or off sale. */

import { isOpen } from "../live/tickets.js";

/** @import { Stock, Ticket } from "../live/states.js" */
/** @import { Office } from "./office.js" */

/** Up to how many that are left an item is low; guests learn the number from there on, too. */
export const FEW = 5;

/**
 * @typedef {object} OpenTicket
 * @property {Ticket} ticket
 * @property {number} ageMs since it was placed
 * @property {boolean} isLate
 * @property {boolean} isVeryLate
 * @property {number} lateMs beyond the time after which it is late
 *
 * @typedef {"sold_out" | "low" | "off_sale"} Want
 */

/**
 * Return the open tickets, the oldest first.
 *
 * @param {Pick<Office, "store">} office
 * @returns {OpenTicket[]}
 */
export function openTickets({ store }) {
  const now = store.clock.now();
  return store
    .ticketsOf()
    .filter(isOpen)
    .map((ticket) => {
      const ageMs = now - Date.parse(ticket.placed_at ?? "");
      const menu = store.menus.get(ticket.department);
      const late = menu?.late_seconds ? menu.late_seconds * 1000 : Number.POSITIVE_INFINITY;
      const veryLate = menu?.very_late_seconds ? menu.very_late_seconds * 1000 : Number.POSITIVE_INFINITY;
      const isWaiting = ticket.state !== "ready";
      const isLate = isWaiting && ageMs > late;
      return { ticket, ageMs, isLate, isVeryLate: isWaiting && ageMs > veryLate, lateMs: isLate ? ageMs - late : 0 };
    });
}

/**
 * Return what is wrong with an item's stock; null where nothing is.
 *
 * @param {Stock} stock
 * @returns {Want | null}
 */
export function wantOf(stock) {
  if (!stock.on_sale) return "off_sale";
  if (stock.unlimited) return null;
  if (stock.on_hand === 0) return "sold_out";
  return stock.on_hand <= FEW ? "low" : null;
}

/** The kinds of tags for what is wrong. @type {Record<Want, string>} */
export const WANT_TAGS = { sold_out: "bad", low: "warn", off_sale: "" };
