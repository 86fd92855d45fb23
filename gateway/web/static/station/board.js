/** The places of the cards: the oldest first, new ones at the end. */

import { keyOf } from "../live/tickets.js";
import { updatePlaces } from "../ui/places.js";

/** @import { Ticket } from "../live/states.js" */

/** @typedef {import("../ui/places.js").Place<Ticket>} Place of a ticket */

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
    const present = new Map(tickets.map((ticket) => [keyOf(ticket), ticket]));
    this.places = updatePlaces(this.places, present, now).sort(byAge);
    return this.places;
  }
}

/**
 * @param {Place} one
 * @param {Place} other
 */
function byAge(one, other) {
  const [first, second] = [one.value.placed_at ?? "", other.value.placed_at ?? ""];
  if (first !== second) return first < second ? -1 : 1;
  return one.key < other.key ? -1 : 1;
}
