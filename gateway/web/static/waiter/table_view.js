/** One table: its orders, with what is ready, late and being made; and what places orders, serves and cancels. */

import { tableKeyOf } from "../live/tables.js";
import { isOpen } from "../live/tickets.js";
import { icon } from "../ui/icon.js";
import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { bill, closedTicket } from "./bill.js";
import { addressOf, atTable } from "./place.js";
import { going } from "./tables_view.js";

/** @import { Order, Ticket } from "../live/states.js" */
/** @import { Waiter } from "./waiter.js" */

/** How long what was just served stays where it was, so that nothing moves under a finger. */
const STAYS_MS = 6000;

/**
 * @typedef {object} Bill an order, as the table has it
 * @property {string} orderId
 * @property {Ticket[]} tickets
 * @property {Order | undefined} order
 * @property {string} placedAt
 */

/**
 * @param {Ticket[]} tickets all of them
 * @param {Waiter} waiter
 */
export function tableView(tickets, waiter) {
  const { place, shell } = waiter;
  const { t } = shell;
  if (!place.key)
    return html`<aside class="table-view is-nothing"><div class="empty">${icon("table")}<p>${t("waiter.choose")}</p></div></aside>`;
  const own = tickets.filter((ticket) => tableKeyOf(ticket) === place.key);
  const bills = billsOf(own, place.key, waiter);
  const open = bills.filter((each) => isShown(each, waiter));
  const closed = bills.filter((each) => !open.includes(each)).reverse();
  const ready = own.filter(({ state }) => state === "ready");
  const name = place.table ? t("tables.table", { table: place.table }) : nameOf(own, bills, waiter);
  return html`<aside class="table-view" aria-label=${name} data-key=${place.key}>
    <div class="table-head">
      <button class="button quiet round table-back" aria-label=${t("waiter.back")} @click=${() => waiter.leave()}>${icon("chevron")}</button>
      <h2 class="table-title" tabindex="-1">${name}</h2>
      ${place.table && waiter.rights.has("order.place") ? orderLink(place.table, waiter) : nothing}
    </div>
    ${ready.length > 1 ? html`<button class="button primary large serve-all" @click=${() => waiter.serving.serve(ready, name)}>${icon("check")}${t("tables.serve_all", { count: ready.length })}</button>` : nothing}
    ${
      open.length
        ? repeat(
            open,
            ({ orderId }) => orderId,
            (each) => bill(each, name, waiter),
          )
        : html`<div class="empty is-small">${icon("done")}<p>${t("waiter.nothing_open")}</p></div>`
    }
    ${closed.length ? earlier(closed, waiter) : nothing}
  </aside>`;
}

/**
 * @param {string} table
 * @param {Waiter} waiter
 */
function orderLink(table, waiter) {
  const at = atTable(table, true);
  const { t } = waiter.shell;
  const hasDraft = waiter.orderings.hasDraft(table);
  return html`<a class="button primary order-link" href=${addressOf(at)} @click=${going(at, waiter)}>${icon(hasDraft ? "basket" : "plus")}${hasDraft ? t("waiter.go_on") : t("waiter.order")}</a>`;
}

/**
 * Return the orders of a table, the oldest first.
 *
 * @param {Ticket[]} tickets of the table
 * @param {string} key
 * @param {Waiter} waiter
 * @returns {Bill[]}
 */
function billsOf(tickets, key, { store }) {
  /** @type {Map<string, Bill>} */
  const found = new Map();
  const billOf = (/** @type {string} */ orderId, /** @type {string} */ placedAt) => {
    const known = found.get(orderId) ?? { orderId, tickets: [], order: store.orders.get(orderId), placedAt };
    found.set(orderId, known);
    return known;
  };
  for (const ticket of tickets)
    if (ticket.state !== "held") billOf(ticket.order_id, ticket.placed_at ?? "").tickets.push(ticket);
  for (const order of store.orders.values()) if (tableKeyOf(order) === key) billOf(order.order_id, order.created_at);
  return [...found.values()].sort((one, other) => (one.placedAt < other.placedAt ? -1 : 1));
}

/**
 * Whether an order is shown in full: something of it is open, or was a moment ago.
 *
 * @param {Bill} bill
 * @param {Waiter} waiter
 */
function isShown({ orderId, tickets, order }, { found, store }) {
  if (orderId === found || order?.lines.some(({ outcome }) => outcome === "pending")) return true;
  const now = store.clock.now();
  return tickets.some(
    (ticket) => isOpen(ticket) || now - Date.parse(ticket.served_at ?? "") < STAYS_MS || isJustServed(ticket),
  );
}

/** Whether it is served here and the department has not said so yet. @param {Ticket & {isPending?: boolean}} ticket */
const isJustServed = (ticket) => ticket.state === "served" && ticket.isPending === true;

/**
 * @param {Ticket[]} own
 * @param {Bill[]} bills
 * @param {Waiter} waiter
 */
function nameOf(own, bills, waiter) {
  const known = own[0] ?? bills[0]?.order;
  return known ? waiter.nameOf({ table: null, number: known.number }) : waiter.shell.t("tables.counter");
}

/**
 * @param {Bill[]} bills
 * @param {Waiter} waiter
 */
function earlier(bills, waiter) {
  const { t } = waiter.shell;
  return html`<details class="earlier"><summary class="button quiet">${icon("history")}${t("waiter.earlier", { count: bills.length })}</summary>
    <ul>${bills.map((each) => closedTicket(each, waiter))}</ul></details>`;
}
