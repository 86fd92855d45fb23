/** What the board shows: the numbers that are being made, those that are ready, and since when. */

/** @import { CalledNumber } from "../live/states.js" */

/**
 * @typedef {object} Called a number that is ready
 * @property {number} number
 * @property {number} since on the server's clock
 * @property {string[]} departments where it is
 * @property {boolean} isFading
 */

/** How long a ready number fades before it leaves. */
export const FADE_MS = 60_000;

/** A number that has been made for longer than this was forgotten by the staff, and says nothing to guests. */
const FORGOTTEN_MS = 3 * 3600_000;

/**
 * Return the numbers that are being made, the oldest first, and those that are ready, the latest first. A number is
 * ready when all of it is; what is served is in neither.
 *
 * @param {Iterable<CalledNumber>} numbers
 * @param {number} now on the server's clock
 * @param {number} staysMs how long a ready number stays before it fades
 * @returns {{making: number[], ready: Called[]}}
 */
export function halves(numbers, now, staysMs) {
  /** @type {Map<number, CalledNumber[]>} */
  const found = new Map();
  for (const called of numbers) {
    if (called.number !== null) found.set(called.number, [...(found.get(called.number) ?? []), called]);
  }
  const all = [...found].map(([number, parts]) => ({ number, parts }));
  const making = all
    .filter(({ parts }) => parts.some(({ state }) => state !== "ready"))
    .map(({ number, parts }) => ({ number, since: Math.min(...parts.map((part) => at(part.placed_at))) }))
    .filter(({ since }) => now - since < FORGOTTEN_MS)
    .sort((one, other) => one.since - other.since || one.number - other.number);
  const ready = all
    .filter(({ parts }) => parts.every(({ state }) => state === "ready"))
    .map((each) => calledOf(each, now, staysMs))
    .filter(({ since }) => now - since < staysMs + FADE_MS)
    .sort((one, other) => other.since - one.since || one.number - other.number);
  return { making: making.map(({ number }) => number), ready };
}

/**
 * @param {{number: number, parts: CalledNumber[]}} one
 * @param {number} now
 * @param {number} staysMs
 * @returns {Called}
 */
function calledOf({ number, parts }, now, staysMs) {
  const since = Math.max(...parts.map(({ ready_at }) => at(ready_at)));
  return {
    number,
    since,
    departments: [...new Set(parts.map(({ department }) => department))].sort(),
    isFading: now - since >= staysMs,
  };
}

/** @param {string | null} text */
const at = (text) => Date.parse(text ?? "") || 0;
