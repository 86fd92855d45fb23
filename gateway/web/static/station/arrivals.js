/** Notices what is new at a station, and what was cancelled: once each, also through reloads. */

import { isOpen, keyOf } from "../live/tickets.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { Marks } from "../device/marks.js" */

const FRESH_MS = 10_000;

export class Arrivals {
  /** @param {Marks} seen the tickets that had a card at this device, and are not served or acknowledged */
  constructor(seen) {
    this.seen = seen;
    /** What this page has noticed: another page of the browser may be silent. @type {Set<string>} */
    this.noticed = new Set();
    /** Until when a ticket counts as new. @type {Map<string, number>} */
    this.fresh = new Map();
    /** @type {Set<string>} */
    this.announced = new Set();
    this.isFirst = true;
  }

  /**
   * Look through all tickets of the station; returns those that are new, and those that were cancelled since.
   *
   * @param {Ticket[]} tickets
   * @param {number} now milliseconds
   * @returns {{arrived: Ticket[], cancelled: Ticket[]}}
   */
  look(tickets, now) {
    const arrived = tickets.filter((ticket) => isOpen(ticket) && !this.noticed.has(keyOf(ticket)));
    const cancelled = tickets.filter((ticket) => ticket.state === "cancelled" && this.isNews(keyOf(ticket)));
    for (const ticket of tickets) if (isOpen(ticket)) this.seen.add(keyOf(ticket));
    for (const ticket of arrived) this.noticed.add(keyOf(ticket));
    for (const ticket of cancelled) this.announced.add(keyOf(ticket));
    for (const ticket of tickets) if (ticket.state === "served") this.seen.delete(keyOf(ticket));
    this.forget(tickets, now);
    const fresh = this.isFirst ? [] : arrived.filter((ticket) => ticket.state === "queued");
    this.isFirst = false;
    for (const ticket of fresh) this.fresh.set(keyOf(ticket), now + FRESH_MS);
    return { arrived: fresh, cancelled };
  }

  /** @param {string} key */
  isNews(key) {
    return this.seen.has(key) && !this.announced.has(key);
  }

  /**
   * @param {string} key
   * @param {number} now milliseconds
   */
  isFresh(key, now) {
    return (this.fresh.get(key) ?? 0) > now;
  }

  /**
   * Keep nothing of tickets that are known no longer.
   *
   * @param {Ticket[]} tickets
   * @param {number} now
   */
  forget(tickets, now) {
    const known = new Set(tickets.map(keyOf));
    this.seen.prune((key) => known.has(key));
    for (const key of this.noticed) if (!known.has(key)) this.noticed.delete(key);
    for (const key of this.announced) if (!known.has(key)) this.announced.delete(key);
    for (const [key, until] of this.fresh) if (until <= now) this.fresh.delete(key);
  }
}
