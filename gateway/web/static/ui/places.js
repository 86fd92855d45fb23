/** Places on a screen: what leaves keeps its place for a moment, so that nothing jumps. */

/**
 * @template T
 * @typedef {object} Place
 * @property {string} key
 * @property {T} value as it was last
 * @property {number | null} until where the value has left: until when its place stays
 */

export const GAP_MS = 1500;

/** What leaves within such a time leaves at once: each time the others move. */
const TOGETHER_MS = 750;

/**
 * Take in what is there now, and return the places: those that stay in their order, and then those that are new.
 *
 * @template T
 * @param {Place<T>[]} places as they were
 * @param {Map<string, T>} present by key
 * @param {number} now milliseconds
 * @param {(place: Place<T>, value: T) => T} [follow] what a place shows of the new value
 * @returns {Place<T>[]}
 */
export function updatePlaces(places, present, now, follow = (_, value) => value) {
  const rest = new Map(present);
  const stay = places.filter(({ key, until }) => rest.has(key) || until === null || until > now);
  for (const place of stay) {
    const value = rest.get(place.key);
    place.value = value === undefined ? place.value : follow(place, value);
    place.until = value === undefined ? (place.until ?? Math.ceil((now + GAP_MS) / TOGETHER_MS) * TOGETHER_MS) : null;
    rest.delete(place.key);
  }
  for (const [key, value] of rest) stay.push({ key, value, until: null });
  return stay;
}
