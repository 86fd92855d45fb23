/** The places of the cards: the table that has waited longest first. */

import { updatePlaces } from "../ui/places.js";

/** @import { Table } from "../live/tables.js" */

/** @typedef {import("../ui/places.js").Place<Table>} Place of a table; `until`: nothing of it is open any more */

export class Cards {
  constructor() {
    /** @type {Place[]} */
    this.places = [];
  }

  /**
   * Take in the tables that have a card now, the oldest first, and return all places in their order.
   *
   * @param {Table[]} tables
   * @param {number} now milliseconds
   */
  update(tables, now) {
    const present = new Map(tables.map((table) => [table.key, table]));
    const places = updatePlaces(this.places, present, now, keepAge);
    this.places = places.sort((one, other) => (one.value.placedAt < other.value.placedAt ? -1 : 1));
    return this.places;
  }
}

/**
 * A card keeps its place while its oldest ticket is served and younger ones are not.
 *
 * @param {Place} place
 * @param {Table} table
 * @returns {Table}
 */
function keepAge({ value: before, until }, table) {
  const isYounger = until === null && before.placedAt < table.placedAt;
  return isYounger ? { ...table, placedAt: before.placedAt } : table;
}
