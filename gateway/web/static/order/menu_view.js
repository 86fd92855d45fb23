/** The menu: departments, categories, items. gateway/web/menu_markup.py renders the same before the modules run. */

import { icon } from "../ui/icon.js";
import { emptyState } from "../ui/states.js";
import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { addOne, removeOne } from "./basket.js";
import { FEW } from "./catalog.js";
import { showItem } from "./item_sheet.js";
import { quantityOf } from "./lines.js";
import { stepper } from "./stepper.js";

/** @import { App } from "./app.js" */
/** @import { CatalogDepartment, CatalogItem, Category } from "./catalog.js" */

/** @param {App} app */
export function menu(app) {
  const { t } = app.shell;
  const { departments } = app.catalog.search(app.query);
  if (!departments.length && app.query) {
    return html`<div class="empty">${icon("search")}<p>${t("order.nothing_found", { text: app.query })}</p>
      <button type="button" class="button" id="clear-search">${t("order.clear_search")}</button></div>`;
  }
  if (!departments.some(({ categories }) => categories.length)) return emptyState("offline", t("order.no_menu"));
  return repeat(
    departments,
    ({ name }) => name,
    (each) => department(each, app),
  );
}

/**
 * @param {CatalogDepartment} one
 * @param {App} app
 */
function department({ name, title, isOpen, categories }, app) {
  return html`<section class="menu-department" aria-labelledby=${`title-${name}`}>
    <h2 id=${`title-${name}`}>${title}</h2>
    ${isOpen ? nothing : html`<p class="menu-away">${categories.length ? app.shell.t("order.department_waits") : app.shell.t("order.department_away")}</p>`}
    ${repeat(
      categories,
      ({ id }) => id,
      (each) => category(each, app),
    )}</section>`;
}

/**
 * @param {Category} one
 * @param {App} app
 */
function category({ id, title, items }, app) {
  return html`<h3 class="menu-category" id=${id} ?hidden=${!title}>${title}</h3>
    <ul class="menu-items">${repeat(
      items,
      (item) => item.id,
      (item) => row(item, app),
    )}</ul>`;
}

/**
 * @param {CatalogItem} item
 * @param {App} app
 */
function row(item, app) {
  const { t, formats } = app.shell;
  const quantity = quantityOf(app.draft.lines, item.department, item.id);
  const isOff = !item.onSale || item.available === 0;
  return html`<li class="menu-item ${isOff ? "is-off" : ""} ${quantity ? "is-chosen" : ""}" data-department=${item.department}
    data-item=${item.id}>
    <button type="button" class="menu-item-title" aria-haspopup="dialog" @click=${() => showItem(item, app)}>${item.title}</button>
    <p class="menu-item-facts"><span class="menu-item-price">${formats.money(item.price)}</span>${availability(item, app)}</p>
    <div class="menu-item-add">${
      quantity
        ? stepper({
            t,
            title: item.title,
            quantity,
            canAdd: !isOff && quantity < (item.available ?? Number.POSITIVE_INFINITY),
            add: () => addOne(item, app),
            remove: () => removeOne(item, app),
          })
        : isOff
          ? nothing
          : addButton(item, app)
    }</div></li>`;
}

/**
 * @param {CatalogItem} item
 * @param {App} app
 */
const addButton = (item, app) => html`<button type="button" class="button round primary add-button"
  aria-label=${app.shell.t("order.add_item", { title: item.title })} @click=${() => addOne(item, app)}><span
  class="plus" aria-hidden="true"></span></button>`;

/**
 * Return what a guest has to know of an item's stock, if anything.
 *
 * @param {CatalogItem} item
 * @param {App} app
 */
export function availability({ onSale, available }, { shell: { t } }) {
  if (!onSale) return html` <span class="tag">${t("order.off_sale")}</span>`;
  if (available === null || available > FEW) return nothing;
  if (available === 0) return html` <span class="tag">${t("order.sold_out")}</span>`;
  return html` <span class="tag warn">${t("order.left", { count: available })}</span>`;
}
