/** Ordering for a table: the order page's menu and basket in its name. */

import { basket, basketBar } from "../order/basket_view.js";
import { chips, followScroll } from "../order/chips.js";
import { menu } from "../order/menu_view.js";
import { icon } from "../ui/icon.js";
import { live } from "../vendor/lit/directives/live.js";
import { html } from "../vendor/lit/lit-html.js";

/** @import { Waiter } from "./waiter.js" */

/** Marks the category at the top of the screen, of each row of categories. @type {WeakMap<HTMLElement, () => void>} */
const marks = new WeakMap();

/**
 * @param {string} table
 * @param {Waiter} waiter
 */
export function orderingView(table, waiter) {
  const app = waiter.orderings.of(table);
  const { t } = waiter.shell;
  app.catalog = waiter.orderings.catalog();
  const search = (/** @type {string} */ text) => {
    app.query = text;
    waiter.store.notify();
  };
  const clear = (/** @type {Event} */ event) => {
    if (event.target instanceof Element && event.target.closest("#clear-search")) search("");
  };
  return html`<div class="ordering" data-table=${table}>
    <div class="table-head">
      <button class="button quiet round table-back is-always" aria-label=${t("waiter.back_to", { name: t("tables.table", { table }) })}
        @click=${() => waiter.leave()}>${icon("chevron")}</button>
      <h1 class="table-title" tabindex="-1">${t("waiter.order_for", { table })}</h1></div>
    <div class="order-layout">
      <div class="order-menu">
        <div class="order-tools">
          <form class="search" role="search" @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
            <label class="visually-hidden" for="search">${t("order.search")}</label>${icon("search")}
            <input id="search" type="search" maxlength="60" autocomplete="off" enterkeyhint="search" placeholder=${t("order.search")}
              .value=${live(app.query)} @input=${(/** @type {any} */ event) => search(event.target.value)}></form>
          <nav class="chips" id="chips" aria-label=${t("order.categories")}>${chips(app)}</nav>
        </div>
        <div id="menu" @click=${clear}>${menu(app)}</div>
      </div>
      <aside class="order-aside" aria-label=${t("order.basket")}><h2>${t("order.basket")}</h2><div id="basket">${basket(app)}</div></aside>
    </div>
    <div class="basket-bar">${basketBar(app)}</div></div>`;
}

/** Let what lies over the page, and the row of categories, follow what was drawn. @param {Waiter} waiter */
export function afterDrawing(waiter) {
  const { place, orderings } = waiter;
  for (const [table, { sheets }] of orderings.apps) if (table === place.table || sheets.isOpen("order")) sheets.draw();
  const row = document.getElementById("chips");
  if (!row) return;
  const mark = marks.get(row) ?? followScroll(row);
  marks.set(row, mark);
  mark();
}
