/** What can be ordered, as the page shows it: the menu of the document, overlaid by what events have told since. */

import { titleIn } from "../ui/texts.js";

/** @import { Store } from "../live/store.js" */

/**
 * @typedef {object} CatalogItem
 * @property {string} department
 * @property {string} id
 * @property {Record<string, string>} titles
 * @property {string} title in the page's language
 * @property {number} price
 * @property {number | null} available null for any number
 * @property {boolean} onSale
 * @property {string} category
 * @property {number} prepSeconds 0 where it is not known
 *
 * @typedef {object} Category
 * @property {string} id of its heading in the document
 * @property {string} title
 * @property {CatalogItem[]} items
 *
 * @typedef {object} CatalogDepartment
 * @property {string} name
 * @property {string} title
 * @property {boolean} isOpen
 * @property {Category[]} categories
 */

/** Up to how many that are left a guest learns the number. */
export const FEW = 5;

export class Catalog {
  /** @param {CatalogDepartment[]} departments */
  constructor(departments) {
    this.departments = departments;
    /** @type {Map<string, CatalogItem>} */
    this.items = new Map();
    for (const { categories } of departments)
      for (const { items } of categories)
        for (const item of items) this.items.set(`${item.department} ${item.id}`, item);
  }

  /**
   * @param {string} department
   * @param {string} item
   */
  find(department, item) {
    return this.items.get(`${department} ${item}`);
  }

  /** Return whether a department's menu is known. @param {string} department */
  isKnown(department) {
    return this.departments.some(({ name, categories }) => name === department && categories.length > 0);
  }

  /** Return a department's title. @param {string} name */
  titleOf(name) {
    return this.departments.find((each) => each.name === name)?.title ?? name;
  }

  /**
   * Return only what a guest searches for, in any language of the menu.
   *
   * @param {string} text
   */
  search(text) {
    const wanted = plain(text);
    if (!wanted) return this;
    const matches = (/** @type {CatalogItem} */ item) =>
      [item.id, item.category, ...Object.values(item.titles)].some((each) => plain(each).includes(wanted));
    return new Catalog(
      this.departments
        .map((each) => ({
          ...each,
          categories: each.categories
            .map((category) => ({ ...category, items: category.items.filter(matches) }))
            .filter(({ items }) => items.length),
        }))
        .filter(({ categories }) => categories.length),
    );
  }
}

/** Return text without capitals and accents. @param {string} text */
const plain = (text) =>
  text
    .normalize("NFD")
    .replace(/\p{Diacritic}/gu, "")
    .normalize("NFC")
    .trim()
    .toLowerCase();

/**
 * @param {any} menu as GET /menu has it
 * @param {Store} store
 * @param {string} language
 */
export function readCatalog(menu, store, language) {
  return new Catalog(
    menu.departments.map((/** @type {any} */ known) => {
      const live = store.menus.get(known.name);
      const state = store.departments.get(known.name)?.state ?? known.state;
      const stock = new Map(known.items.map((/** @type {any} */ item) => [item.id, item]));
      const items = (live?.items ?? known.items).map((/** @type {any} */ item) => {
        const now = store.items.get(`${known.name} ${item.id}`) ?? stock.get(item.id);
        return {
          department: known.name,
          id: item.id,
          titles: item.titles,
          title: titleIn(item.titles, language, item.id),
          price: item.price,
          available: now ? now.available : null,
          onSale: now?.on_sale ?? true,
          category: item.category ?? "",
          prepSeconds: item.prep_seconds ?? 0,
        };
      });
      return {
        name: known.name,
        title: titleIn(live?.titles ?? known.titles, language, capital(known.name)),
        isOpen: state === "open",
        categories: categoriesOf(known.name, items),
      };
    }),
  );
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * Return the categories in the order of their first items.
 *
 * @param {string} department
 * @param {CatalogItem[]} items
 * @returns {Category[]}
 */
function categoriesOf(department, items) {
  /** @type {Map<string, CatalogItem[]>} */
  const found = new Map();
  for (const item of items) found.set(item.category, [...(found.get(item.category) ?? []), item]);
  return [...found].map(([category, own], place) => ({
    id: `menu-${department}-${place}`,
    title: capital(category),
    items: own,
  }));
}
