/** The places of the cards: the table that has waited longest first. What was served stays for a moment, so that nothing jumps. */

/** @import { Table } from "../live/tables.js" */

/**
 * @typedef {object} Place
 * @property {string} key
 * @property {Table} table as it was last
 * @property {number | null} until where nothing of the table is open any more: until when its place stays
 */

export const GAP_MS = 1500;

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
    const rest = new Map(tables.map((table) => [table.key, table]));
    const stay = this.places.filter(({ key, until }) => rest.has(key) || until === null || until > now);
    for (const place of stay) {
      const table = rest.get(place.key);
      place.table = table ? { ...table, placedAt: earlier(place, table) } : place.table;
      place.until = table ? null : (place.until ?? now + GAP_MS);
      rest.delete(place.key);
    }
    for (const [key, table] of rest) stay.push({ key, table, until: null });
    this.places = stay.sort((one, other) => (one.table.placedAt < other.table.placedAt ? -1 : 1));
    return this.places;
  }
}

/**
 * A card keeps its place while its oldest ticket is served and younger ones are not.
 *
 * @param {Place} place
 * @param {Table} table
 */
const earlier = ({ table: before, until }, { placedAt }) =>
  until === null && before.placedAt < placedAt ? before.placedAt : placedAt;
