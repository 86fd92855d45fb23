/**
 * Money, times and numbers as people of the page's language write them, in the restaurant's zone and currency.
 *
 * @typedef {object} Formats
 * @property {(minor: number) => string} money an amount in minor units of the restaurant's currency
 * @property {(ms: number) => string} time a moment, in milliseconds since 1970, as the restaurant's clock shows it
 * @property {(ms: number) => string} moment the same with its day
 * @property {(ms: number) => string} stamp the same as `2026-05-01 20:07`, for files
 * @property {(minor: number) => number} major an amount in the currency's unit, for files
 * @property {(ms: number) => string} age a duration as minutes and seconds, `12:07`; from an hour on `1:02:07`
 * @property {(value: number) => string} number
 */

/**
 * @param {{ language: string, zone: string, currency: string, exponent: number }} page
 * @returns {Formats}
 */
export function createFormats({ language, zone, currency, exponent }) {
  const money = new Intl.NumberFormat(language, {
    style: "currency",
    currency,
    minimumFractionDigits: exponent,
    maximumFractionDigits: exponent,
  });
  const time = new Intl.DateTimeFormat(language, {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const moment = new Intl.DateTimeFormat(language, {
    timeZone: zone,
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const stamp = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  const number = new Intl.NumberFormat(language);
  return {
    money: (minor) => money.format(minor / 10 ** exponent),
    time: (ms) => time.format(ms),
    moment: (ms) => moment.format(ms),
    stamp: (ms) => stamp.format(ms),
    major: (minor) => minor / 10 ** exponent,
    age: formatAge,
    number: (value) => number.format(value),
  };
}

/**
 * @param {number} ms
 * @returns {string}
 */
export function formatAge(ms) {
  const seconds = Math.max(0, Math.trunc(ms / 1000));
  const [hours, minutes, rest] = [Math.trunc(seconds / 3600), Math.trunc(seconds / 60) % 60, seconds % 60];
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
