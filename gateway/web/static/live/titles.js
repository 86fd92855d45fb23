/** The titles of departments and items in the page's language. */

import { titleIn } from "../ui/texts.js";

/** @import { Menu } from "./states.js" */
/** @import { Store } from "./store.js" */

export class Titles {
  /**
   * @param {Store} store
   * @param {string} language
   */
  constructor(store, language) {
    this.store = store;
    this.language = language;
    /** Of each menu as it is now. @type {WeakMap<Menu, Map<string, string>>} */
    this.known = new WeakMap();
  }

  /** @param {string} department */
  department(department) {
    const titles = this.store.menus.get(department)?.titles ?? {};
    return titleIn(titles, this.language, department.charAt(0).toUpperCase() + department.slice(1));
  }

  /**
   * @param {string} department
   * @param {string} item
   */
  item(department, item) {
    const menu = this.store.menus.get(department);
    return (menu && this.ofMenu(menu).get(item)) ?? item;
  }

  /**
   * Return what a line is in words, `2 × Coffee`, whose first two spaces break no line.
   *
   * @param {string} department
   * @param {{item: string, quantity: number}} line
   */
  dish(department, { item, quantity }) {
    return `${quantity}\u00a0×\u00a0${this.item(department, item)}`;
  }

  /** @param {Menu} menu */
  ofMenu(menu) {
    const known = this.known.get(menu);
    if (known) return known;
    const titles = new Map(menu.items.map(({ id, titles }) => [id, titleIn(titles, this.language, id)]));
    this.known.set(menu, titles);
    return titles;
  }
}
