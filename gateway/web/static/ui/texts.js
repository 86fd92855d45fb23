/**
 * Texts in the page's language.
 *
 * @typedef {(key: string, values?: Record<string, string | number>) => string} Translate returns a text with its
 *   `{fields}` filled in; `count` selects the plural form
 */

/** @import { Text } from "../page.js" */

/**
 * Return the function that looks texts up; it throws for a key that the page does not have.
 *
 * @param {string} language
 * @param {Record<string, Text>} texts
 * @returns {Translate}
 */
export function createTexts(language, texts) {
  const plural = new Intl.PluralRules(language);
  return (key, values = {}) => {
    const found = texts[key];
    if (found === undefined) throw new Error(`there is no text ${key} on this page`);
    const text = typeof found === "string" ? found : (found[plural.select(Number(values.count))] ?? found.other);
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  };
}

/**
 * Return a title in a language, or else in English, or else any, or else the default.
 *
 * @param {Record<string, string>} titles
 * @param {string} language
 * @param {string} otherwise
 */
export function titleIn(titles, language, otherwise) {
  return titles[language] || titles.en || Object.values(titles)[0] || otherwise;
}
