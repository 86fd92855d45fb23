/** The hours of a report, without gaps. */

/** @import { Figure } from "./sales_parts.js" */

const HOUR_MS = 3_600_000;

/**
 * Return the hours from the first to the last one with sales, also those between in which nothing was sold.
 *
 * @param {Figure[]} figures
 * @returns {Figure[]}
 */
export function hoursOf(figures) {
  const found = new Map(figures.map((figure) => [Date.parse(figure.hour ?? ""), figure]));
  const last = Math.max(...found.keys());
  const hours = [];
  for (let at = Math.min(...found.keys()); at <= last; at += HOUR_MS) {
    const hour = new Date(at).toISOString();
    hours.push(found.get(at) ?? { day: null, hour, department: null, item: null, quantity: 0, total: 0 });
  }
  return hours;
}
