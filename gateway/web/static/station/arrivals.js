/** Notices what is new at a station, and what was cancelled: once each, also through reloads. */

import { isCancelled, isOpen, keyOf, linesOf } from "../live/tickets.js";

/** @import { Ticket, TicketLine } from "../live/states.js" */
/** @import { Marks } from "../device/marks.js" */

const FRESH_MS = 10_000;

/** How many cards blink at once: where everything blinks nothing is seen. */
const MOST_BLINKING = 3;

export class Arrivals {
  /** @param {Marks} seen the tickets that had a card at this device, and are not served or acknowledged */
  constructor(seen) {
    this.seen = seen;
    /** What this page has noticed: another page of the browser may be silent. @type {Set<string>} */
    this.noticed = new Set();
    /** Until when a ticket counts as new, and whether it blinks. @type {Map<string, {until: number, isBlinking: boolean}>} */
    this.fresh = new Map();
    /** @type {Set<string>} */
    this.announced = new Set();
    /** The places of the lines that were cancelled alone, by their tickets. @type {Map<string, Set<number>>} */
    this.cancelledLines = new Map();
    this.isFirst = true;
  }

  /**
   * Look through all tickets of the station; returns those that are new, and those that were cancelled since, or lost a
   * line.
   *
   * @param {Ticket[]} tickets
   * @param {number} now milliseconds
   * @returns {{arrived: Ticket[], cancelled: Ticket[], lines: {ticket: Ticket, line: TicketLine}[]}}
   */
  look(tickets, now) {
    /** @type {Map<string, Ticket>} */
    const known = new Map(tickets.map((ticket) => [keyOf(ticket), ticket]));
    const open = [...known].filter(([, ticket]) => isOpen(ticket));
    const arrived = open.filter(([key]) => !this.noticed.has(key));
    const cancelled = [...known].filter(([key, { state }]) => state === "cancelled" && this.isNews(key));
    this.seen.addAll(open.map(([key]) => key));
    for (const [key] of arrived) this.noticed.add(key);
    for (const [key] of cancelled) this.announced.add(key);
    const lines = open.flatMap(([key, ticket]) => this.newlyCancelled(key, ticket));
    this.forget(known, now);
    const fresh = this.isFirst ? [] : arrived.filter(([, { state }]) => state === "queued");
    this.isFirst = false;
    for (const [key] of fresh) {
      this.fresh.set(key, { until: now + FRESH_MS, isBlinking: this.fresh.size < MOST_BLINKING });
    }
    return { arrived: fresh.map(([, ticket]) => ticket), cancelled: cancelled.map(([, ticket]) => ticket), lines };
  }

  /**
   * Return the lines of an open ticket that were cancelled since somebody looked; none of a ticket that is new.
   *
   * @param {string} key
   * @param {Ticket} ticket
   */
  newlyCancelled(key, ticket) {
    const cancelled = linesOf(ticket).filter(({ line }) => isCancelled(line));
    const before = this.cancelledLines.get(key);
    this.cancelledLines.set(key, new Set(cancelled.map(({ place }) => place)));
    return before ? cancelled.flatMap(({ line, place }) => (before.has(place) ? [] : { ticket, line })) : [];
  }

  /** @param {string} key */
  isNews(key) {
    return this.seen.has(key) && !this.announced.has(key);
  }

  /**
   * Return the classes of a ticket's card that say whether it is new.
   *
   * @param {string} key
   * @param {number} now milliseconds
   */
  classesOf(key, now) {
    const fresh = this.fresh.get(key);
    if (!fresh || fresh.until <= now) return "";
    return fresh.isBlinking ? "is-fresh is-blinking" : "is-fresh";
  }

  /**
   * Keep nothing of tickets that are known no longer, or served.
   *
   * @param {Map<string, Ticket>} known
   * @param {number} now
   */
  forget(known, now) {
    this.seen.prune((key) => (known.get(key)?.state ?? "served") !== "served");
    for (const key of this.noticed) if (!known.has(key)) this.noticed.delete(key);
    for (const key of this.announced) if (!known.has(key)) this.announced.delete(key);
    for (const key of this.cancelledLines.keys()) if (!known.has(key)) this.cancelledLines.delete(key);
    for (const [key, { until }] of this.fresh) if (until <= now) this.fresh.delete(key);
  }
}
