/** Which tickets are shown, how old they are, and what there is to make in all. */

/** @import { Menu, Ticket, TicketLine } from "./states.js" */

/** @typedef {"" | "late" | "very-late"} Level */

const OPEN = new Set(["queued", "preparing", "ready"]);
const TO_MAKE = new Set(["queued", "preparing"]);
const HELD_MS = 5000;
const RECALLABLE = 50;

/** @param {Ticket} ticket */
export const keyOf = (ticket) => `${ticket.department} ${ticket.order_id}`;

/** @param {Ticket} ticket */
export const isOpen = (ticket) => OPEN.has(ticket.state);

/**
 * Return whether a ticket has a card. One that is held has none at first: it is decided within a moment, as a rule. One
 * that was cancelled keeps its card where it had one here, until somebody acknowledges it.
 *
 * @param {Ticket} ticket
 * @param {{has: (key: string) => boolean}} seen the tickets that had a card at this device
 * @param {number} now on the server's clock
 */
export function hasCard(ticket, seen, now) {
  if (isOpen(ticket)) return true;
  if (ticket.state === "cancelled") return seen.has(keyOf(ticket));
  return ticket.state === "held" && (seen.has(keyOf(ticket)) || ageOf(ticket, now) > HELD_MS);
}

/**
 * Return the lines that were accepted, each with its place on the ticket, and those of them that the staff cancelled
 * since; what could not be had is none of them.
 *
 * @param {Ticket} ticket
 * @returns {{line: TicketLine, place: number}[]}
 */
export function linesOf(ticket) {
  const lines = ticket.lines.map((line, place) => ({ line, place }));
  return lines.filter(({ line }) => line.outcome === "accepted" || isCancelled(line));
}

/** Return whether the staff cancelled a line alone. @param {TicketLine} line */
export const isCancelled = (line) => line.outcome === "cancelled";

/** Return the lines that stand, each with its place on the ticket. @param {Ticket} ticket */
export const standingOf = (ticket) => linesOf(ticket).filter(({ line }) => !isCancelled(line));

/** Return how many dishes tickets have. @param {Ticket[]} tickets */
export const dishesOf = (tickets) =>
  tickets.flatMap((ticket) => standingOf(ticket)).reduce((sum, { line }) => sum + line.quantity, 0);

/**
 * Return how long ago a ticket was placed, in milliseconds.
 *
 * @param {Ticket} ticket
 * @param {number} now on the server's clock
 */
export function ageOf(ticket, now) {
  return ticket.placed_at ? Math.max(0, now - Date.parse(ticket.placed_at)) : 0;
}

/**
 * Return whether a ticket is late, by its department's limits.
 *
 * @param {Ticket} ticket
 * @param {number} now on the server's clock
 * @param {Menu | undefined} menu
 * @returns {Level}
 */
export function levelOf(ticket, now, menu) {
  if (!isOpen(ticket)) return "";
  const seconds = ageOf(ticket, now) / 1000;
  if (menu?.very_late_seconds && seconds >= menu.very_late_seconds) return "very-late";
  return menu?.late_seconds && seconds >= menu.late_seconds ? "late" : "";
}

/**
 * Return how many of each item are still to be made, the most first.
 *
 * @param {Ticket[]} tickets
 * @returns {{department: string, item: string, quantity: number, waiting: number}[]} `waiting`: of tickets not begun
 */
export function allDay(tickets) {
  /** @type {Map<string, {department: string, item: string, quantity: number, waiting: number}>} */
  const counts = new Map();
  for (const ticket of tickets.filter(({ state }) => TO_MAKE.has(state))) {
    for (const { line } of standingOf(ticket).filter(({ line }) => !line.made)) {
      const key = `${ticket.department} ${line.item}`;
      const count = counts.get(key) ?? { department: ticket.department, item: line.item, quantity: 0, waiting: 0 };
      count.quantity += line.quantity;
      if (ticket.state === "queued") count.waiting += line.quantity;
      counts.set(key, count);
    }
  }
  return [...counts.values()].sort((one, other) => other.quantity - one.quantity || (one.item < other.item ? -1 : 1));
}

/**
 * Return the tickets that were closed last, the last one first.
 *
 * @param {Ticket[]} tickets
 */
export function lastClosed(tickets) {
  const at = (/** @type {Ticket} */ ticket) => Date.parse(ticket.served_at ?? ticket.cancelled_at ?? "") || 0;
  const closed = tickets.filter(({ state }) => state === "served" || state === "cancelled");
  return closed.sort((one, other) => at(other) - at(one)).slice(0, RECALLABLE);
}
