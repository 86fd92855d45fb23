/** Finds a table by its name, or by an order's number. */

/** @import { Ticket } from "../live/states.js" */

const LEAST_NUMBER = 100;

/** Return text as it is compared. @param {string} text */
const plain = (text) => text.trim().toLocaleLowerCase();

/**
 * Return whether a table is one of those that somebody looks for: its name or a number of it begins with the text.
 *
 * @param {{name: string, tickets: Ticket[]}} table
 * @param {string} query
 */
export function wanted({ name, tickets }, query) {
  const text = plain(query);
  if (!text) return true;
  const words = plain(name).split(/\s+/);
  return (
    plain(name).startsWith(text) ||
    words.some((word) => word.startsWith(text)) ||
    tickets.some(({ number }) => String(number ?? "").startsWith(text))
  );
}

/** Return the order's number that a text can be, or null. @param {string} text */
export function numberIn(text) {
  const found = /^#?(\d{3,15})$/.exec(text.trim());
  return found && Number(found[1]) >= LEAST_NUMBER ? Number(found[1]) : null;
}

/**
 * Return the ticket of an order's number: an open one before those that were closed.
 *
 * @param {Ticket[]} tickets
 * @param {number} number
 */
export function ticketOf(tickets, number) {
  const own = tickets.filter((ticket) => ticket.number === number);
  return own.find(({ state }) => state !== "served" && state !== "cancelled") ?? own.at(-1);
}
