/** The places of the cards: the oldest first, new ones at the end. A card that leaves leaves a gap for a moment. */

import { keyOf } from "../live/tickets.js";

/** @import { Ticket } from "../live/states.js" */

/**
 * @typedef {object} Place
 * @property {string} key
 * @property {Ticket} ticket as it was last
 * @property {number | null} until where the ticket has left: until when its place stays empty
 */

export const GAP_MS = 1500;

export class Board {
  constructor() {
    /** @type {Place[]} */
    this.places = [];
  }

  /**
   * Take in the tickets that have a card now, and return all places in their order.
   *
   * @param {Ticket[]} tickets
   * @param {number} now milliseconds
   * @returns {Place[]}
   */
  update(tickets, now) {
    const rest = new Map(tickets.map((ticket) => [keyOf(ticket), ticket]));
    const stay = this.places.filter((place) => rest.has(place.key) || place.until === null || place.until > now);
    for (const place of stay) {
      const ticket = rest.get(place.key);
      place.ticket = ticket ?? place.ticket;
      place.until = ticket ? null : (place.until ?? now + GAP_MS);
      rest.delete(place.key);
    }
    for (const [key, ticket] of rest) stay.push({ key, ticket, until: null });
    this.places = stay.sort(byAge);
    return this.places;
  }
}

/**
 * @param {Place} one
 * @param {Place} other
 */
function byAge(one, other) {
  const [first, second] = [one.ticket.placed_at ?? "", other.ticket.placed_at ?? ""];
  if (first !== second) return first < second ? -1 : 1;
  return one.key < other.key ? -1 : 1;
}
