/** The lines of a basket: pure functions, which return new lists. */

/**
 * @typedef {object} BasketLine
 * @property {string} department
 * @property {string} item
 * @property {number} quantity
 * @property {string} note
 * @property {boolean} allergy
 * @property {number} price of one, as the guest saw it, in minor units
 */

/** @import { Catalog } from "./catalog.js" */

/**
 * @typedef {object} Trouble why a line cannot be ordered as it stands
 * @property {"gone" | "off_sale" | "sold_out" | "few" | "price"} kind
 * @property {number} available how many the line could have
 * @property {number} price of one, now
 */

export const MOST_LINES = 50;
export const MOST_OF_ONE = 99;
export const LONGEST_NOTE = 200;

/**
 * Return what tells two lines apart: lines that ask for the same are one.
 *
 * @param {BasketLine} line
 */
export const keyOf = (line) => `${line.department} ${line.item} ${line.allergy ? "!" : ""} ${line.note}`;

/** @param {number} quantity */
const bounded = (quantity) => Math.min(Math.max(Math.trunc(quantity), 0), MOST_OF_ONE);

/**
 * Add lines; the quantities of those that ask for the same are summed up.
 *
 * @param {BasketLine[]} lines
 * @param {BasketLine[]} more
 * @returns {BasketLine[]}
 */
export function addLines(lines, more) {
  /** @type {Map<string, BasketLine>} */
  const found = new Map();
  for (const line of [...lines, ...more]) {
    const known = found.get(keyOf(line));
    const quantity = bounded((known?.quantity ?? 0) + line.quantity);
    if (quantity) found.set(keyOf(line), { ...line, quantity });
  }
  return [...found.values()].slice(0, MOST_LINES);
}

/**
 * Replace a line; none, or a quantity of none, removes it.
 *
 * @param {BasketLine[]} lines
 * @param {string} key
 * @param {BasketLine} [line]
 */
export function replaceLine(lines, key, line) {
  return addLines(
    [],
    lines.flatMap((each) => (keyOf(each) !== key ? [each] : line ? [line] : [])),
  );
}

/**
 * Take one of an item away: of the line without a note first, else of the last.
 *
 * @param {BasketLine[]} lines
 * @param {string} department
 * @param {string} item
 */
export function takeOne(lines, department, item) {
  const own = lines.filter((each) => each.department === department && each.item === item);
  const line = own.find((each) => !each.note && !each.allergy) ?? own.at(-1);
  return line ? replaceLine(lines, keyOf(line), { ...line, quantity: line.quantity - 1 }) : lines;
}

/** @param {BasketLine[]} lines */
export const countOf = (lines) => lines.reduce((sum, { quantity }) => sum + quantity, 0);

/** @param {BasketLine[]} lines */
export const totalOf = (lines) => lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0);

/**
 * Return how many of an item are in the basket.
 *
 * @param {BasketLine[]} lines
 * @param {string} department
 * @param {string} item
 */
export const quantityOf = (lines, department, item) =>
  countOf(lines.filter((each) => each.department === department && each.item === item));

/**
 * Return, by the lines' keys, why they cannot be ordered as they stand. What is left goes to the first lines.
 *
 * @param {BasketLine[]} lines
 * @param {Catalog} catalog
 * @returns {Map<string, Trouble>}
 */
export function troublesOf(lines, catalog) {
  /** @type {Map<string, number>} */
  const taken = new Map();
  /** @type {Map<string, Trouble>} */
  const found = new Map();
  for (const line of lines) {
    const name = `${line.department} ${line.item}`;
    const before = taken.get(name) ?? 0;
    taken.set(name, before + line.quantity);
    const trouble = troubleOf(line, catalog, before);
    if (trouble) found.set(keyOf(line), trouble);
  }
  return found;
}

/**
 * @param {BasketLine} line
 * @param {Catalog} catalog
 * @param {number} taken by the lines before
 * @returns {Trouble | undefined}
 */
function troubleOf(line, catalog, taken) {
  const item = catalog.find(line.department, line.item);
  if (!item) return catalog.isKnown(line.department) ? { kind: "gone", available: 0, price: line.price } : undefined;
  const available = Math.max((item.available ?? Number.POSITIVE_INFINITY) - taken, 0);
  if (!item.onSale) return { kind: "off_sale", available: 0, price: item.price };
  if (available === 0) return { kind: "sold_out", available, price: item.price };
  if (available < line.quantity) return { kind: "few", available, price: item.price };
  if (item.price !== line.price) return { kind: "price", available, price: item.price };
  return undefined;
}

/**
 * Return a line as it can be ordered now; nothing where it cannot.
 *
 * @param {BasketLine} line
 * @param {Trouble} trouble
 * @returns {BasketLine | undefined}
 */
export function mended(line, { available, price }) {
  return available ? { ...line, quantity: Math.min(line.quantity, available), price } : undefined;
}
