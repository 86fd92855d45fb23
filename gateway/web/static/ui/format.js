/**
 * Money, times and numbers as people of the page's language write them, in the restaurant's zone and currency.
 *
 * @typedef {object} Formats
 * @property {(minor: number) => string} money an amount in minor units of the restaurant's currency
 * @property {(ms: number) => string} time a moment, in milliseconds since 1970, as the restaurant's clock shows it
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
  const number = new Intl.NumberFormat(language);
  return {
    money: (minor) => money.format(minor / 10 ** exponent),
    time: (ms) => time.format(ms),
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
