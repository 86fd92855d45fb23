/** The places of the cards: the oldest first, new ones at the end. */

import { keyOf } from "../live/tickets.js";
import { updatePlaces } from "../ui/places.js";

/** @import { Ticket } from "../live/states.js" */

/** @typedef {import("../ui/places.js").Place<Ticket> & {isFar?: boolean}} Place of a ticket; `isFar`: it is far from being seen */

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

  /**
   * Take in that the browser begins or ceases to draw a card; returns whether it begins.
   *
   * @param {Event & {skipped?: boolean}} event
   */
  follow({ target, skipped }) {
    const key = target instanceof HTMLElement ? target.dataset.key : undefined;
    const place = this.places.find((each) => each.key === key);
    if (place) place.isFar = skipped;
    return place !== undefined && !skipped;
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
