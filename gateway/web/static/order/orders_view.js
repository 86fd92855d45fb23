/** The guest's own orders, above the menu: the open ones, and those of today behind a button. */

import { icon } from "../ui/icon.js";
import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { showOrder } from "./order_sheet.js";
import { isOver } from "./own_orders.js";
import { headline, readyText, stateOf } from "./progress_view.js";

/** @import { Order } from "../live/states.js" */
/** @import { App } from "./app.js" */

const SHOWN = 3;

/** @param {App} app */
export function ownOrders(app) {
  const all = app.orders.list();
  if (!all.length) return nothing;
  const { t } = app.shell;
  const open = all.filter((order) => !isOver(order)).slice(0, SHOWN);
  const hidden = all.length - open.length;
  return html`<section class="own-orders" aria-label=${t("order.own_orders")}>
    ${repeat(
      open,
      ({ order_id }) => order_id,
      (order) => card(order, app),
    )}
    ${hidden ? html`<button type="button" class="link-button" aria-haspopup="dialog" @click=${() => showAll(app)}>${icon("history")}${t("order.earlier", { count: hidden })}</button>` : nothing}
  </section>`;
}

/**
 * @param {Order} order
 * @param {App} app
 */
function card(order, app) {
  const { t } = app.shell;
  const state = stateOf(order);
  return html`<button type="button" class="own-order is-${state}" aria-haspopup="dialog" data-order=${order.order_id} @click=${() => showOrder(order.order_id, app)}>
    <span class="own-order-number">${t("order.number", { number: order.number })}</span>
    <span class="own-order-state">${headline(order, app)}</span>
    <span class="own-order-ready">${readyText(order, app)}</span>${icon("chevron")}</button>`;
}

/** @param {App} app */
function showAll(app) {
  app.sheets.show("orders", app.shell.t("order.own_orders"), () => {
    const all = app.orders.list();
    const open = (/** @type {string} */ orderId) => {
      app.sheets.close("orders");
      showOrder(orderId, app);
    };
    return html`<div class="own-orders">${all.map(
      (
        order,
      ) => html`<button type="button" class="own-order is-${stateOf(order)}" aria-haspopup="dialog" @click=${() => open(order.order_id)}>
        <span class="own-order-number">${app.shell.t("order.number", { number: order.number })}</span>
        <span class="own-order-state">${headline(order, app)}</span>
        <span class="own-order-ready">${app.shell.formats.time(Date.parse(order.created_at))}</span>${icon("chevron")}</button>`,
    )}</div>`;
  });
}
