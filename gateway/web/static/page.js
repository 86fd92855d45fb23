/**
 * What the server put into the document for its modules (gateway/web/document.py, PageData).
 *
 * @typedef {string | Record<string, string>} Text a text, or its plural forms
 *
 * @typedef {object} PageData
 * @property {string} page the page's name
 * @property {string} language such as `ko`
 * @property {Record<string, string>} languages each by its own name
 * @property {string} theme auto, light or dark
 * @property {string} zone the restaurant's time zone, as IANA names it
 * @property {string} currency ISO 4217
 * @property {number} exponent how many digits of a price are decimals
 * @property {number} now_ms the server's clock when it made the document
 * @property {string} static the address of this version's files, with a slash at the end
 * @property {string[]} rights the actions that the caller may take, perhaps under a condition
 * @property {string | null} person who has signed in
 * @property {string | null} device the person's, device's or program's name
 * @property {Record<string, Text>} texts
 * @property {any} data what this page's modules begin with
 */

/**
 * Read the document's data.
 *
 * @param {Document} from
 * @returns {PageData}
 */
export function readPage(from = document) {
  const element = from.getElementById("page-data");
  if (!element) throw new Error("the document has no page-data");
  return JSON.parse(element.textContent ?? "");
}
