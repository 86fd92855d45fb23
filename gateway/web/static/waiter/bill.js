/** An order of a table: a part for each department, with its lines and its next step. */

import { levelOf, linesOf, standingOf } from "../live/tickets.js";
import { icon } from "../ui/icon.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { askWhy } from "./cancelling.js";
import { lines } from "./lines.js";

/** @import { OrderLine, Ticket, TicketLine } from "../live/states.js" */
/** @import { Bill } from "./table_view.js" */
/** @import { Waiter } from "./waiter.js" */

const NOT_HAD = new Set(["out_of_stock", "off_sale", "not_on_menu", "price_changed", "rejected", "expired"]);

/**
 * @param {Bill} one
 * @param {string} name of the table
 * @param {Waiter} waiter
 */
export function bill(one, name, waiter) {
  const { t, formats } = waiter.shell;
  const { order, tickets, placedAt } = one;
  const number = order?.number ?? tickets[0]?.number;
  const total = order?.total ? formats.money(order.total) : "";
  const pending = order?.lines.filter(({ outcome }) => outcome === "pending") ?? [];
  const missing = order?.lines.filter(({ outcome }) => NOT_HAD.has(outcome)) ?? [];
  return html`<section class="bill ${one.orderId === waiter.found ? "is-found" : ""}" data-order=${one.orderId} aria-label=${number ? t("tables.number", { number }) : t("tables.counter")}>
    <div class="bill-head"><h3 class="bill-number">${number ?? t("tables.counter")}</h3>
      <p class="bill-facts">${formats.time(Date.parse(placedAt))}${total ? html` · ${total}` : nothing}</p>
      <p class="bill-age">${t("tables.minutes", { count: Math.trunc(Math.max(0, waiter.store.clock.now() - Date.parse(placedAt)) / 60_000) })}</p></div>
    ${tickets.map((ticket) => part(ticket, name, waiter))}
    ${departmentsOf(pending).map((department) => waiting(department, pending, waiter))}
    ${missing.length ? html`<ul class="not-had" aria-label=${t("order.not_had")}>${missing.map((line) => refused(line, waiter))}</ul>` : nothing}
  </section>`;
}

/**
 * @param {Ticket} ticket
 * @param {string} name of the table
 * @param {Waiter} waiter
 */
function part(ticket, name, waiter) {
  const { store, titles } = waiter;
  const level = ticket.state === "ready" ? "" : levelOf(ticket, store.clock.now(), store.menus.get(ticket.department));
  return html`<section class="part" data-department=${ticket.department} data-state=${ticket.state} data-level=${level}>
    <h4 class="part-head"><span class="part-title">${titles.department(ticket.department)}</span>${stateOf(ticket, level, waiter)}</h4>
    <ul class="part-lines">${lines(ticket, name, waiter)}</ul>
    ${foot(ticket, name, waiter)}</section>`;
}

/**
 * @param {Ticket & {isPending?: boolean}} ticket
 * @param {string} level
 * @param {Waiter} waiter
 */
function stateOf(ticket, level, { shell: { t, formats }, moves }) {
  const { state } = ticket;
  const since = state === "ready" ? ticket.ready_at : state === "preparing" ? ticket.started_at : null;
  const waits = ticket.isPending && moves.later.has(ticket.department);
  return html`<span class="part-state">${state === "ready" || state === "served" ? icon("check") : nothing}
    ${level ? html`<strong class="part-late">${icon("clock")}${t("tables.is_late")}</strong>` : nothing}
    <span>${t(`state.${state}`)}${since ? html` <time>${formats.time(Date.parse(since))}</time>` : nothing}</span>
    ${waits ? html`<span class="part-waits">${icon("offline")}${t("waiter.waits")}</span>` : nothing}</span>`;
}

/**
 * @param {Ticket} ticket
 * @param {string} name of the table
 * @param {Waiter} waiter
 */
function foot(ticket, name, waiter) {
  const { t } = waiter.shell;
  const { state, cancel_reason } = ticket;
  if (state === "cancelled")
    return html`<p class="part-cancelled">${icon("ban")}<span>${ticket.moved_by ?? ""} ${cancel_reason ? html`<q>${cancel_reason}</q>` : nothing}</span></p>`;
  if (state === "ready")
    return html`<div class="part-foot"><button class="button primary large serve" @click=${() => waiter.serving.serve([ticket], name)}>${t("verb.serve")}</button></div>`;
  if (!waiter.cancels.has(state)) return nothing;
  return html`<div class="part-foot"><button class="button quiet cancel" aria-haspopup="dialog" @click=${() => askWhy(ticket, name, waiter)}>${icon("x")}${standingOf(ticket).length > 1 ? t("waiter.cancel_all") : t("waiter.cancel")}</button></div>`;
}

/** @param {OrderLine[]} lines */
const departmentsOf = (lines) => [...new Set(lines.map(({ department }) => department))];

/**
 * What a department has not answered yet.
 *
 * @param {string} department
 * @param {OrderLine[]} pending
 * @param {Waiter} waiter
 */
function waiting(department, pending, { shell: { t, formats }, titles }) {
  return html`<section class="part" data-department=${department} data-state="pending"><h4 class="part-head"><span class="part-title">${titles.department(department)}</span>
    <span class="part-state">${icon("clock")}<span>${t("progress.pending")}</span></span></h4>
    <ul class="part-lines">${pending
      .filter((line) => line.department === department)
      .map(
        (line) =>
          html`<li class="part-line"><span class="part-quantity">${formats.number(line.quantity)} ×</span><p>${titles.item(department, line.item)}</p></li>`,
      )}</ul></section>`;
}

/**
 * @param {OrderLine} line
 * @param {Waiter} waiter
 */
function refused(line, { shell: { t, formats }, titles }) {
  const why =
    line.outcome === "out_of_stock" && !line.available
      ? t("order.sold_out")
      : t(`outcome.${line.outcome}`, {
          count: line.available ?? 0,
          price: line.unit_price === null ? "" : formats.money(line.unit_price),
        });
  return html`<li class="not-had-line"><span>${formats.number(line.quantity)} × ${titles.item(line.department, line.item)}</span> <span class="tag bad">${why}</span></li>`;
}

/**
 * An order of which nothing is open any more, in short.
 *
 * @param {Bill} one
 * @param {Waiter} waiter
 */
export function closedTicket({ orderId, order, tickets, placedAt }, { shell, titles }) {
  const { t, formats } = shell;
  const all = order
    ? order.lines.filter(({ outcome }) => outcome === "accepted" || outcome === "cancelled")
    : tickets.flatMap((ticket) => linesOf(ticket).map(({ line }) => lineOfOrder(ticket, line)));
  const dishes = all.map((line, index) => {
    const dish = titles.dish(line.department, line);
    return html`${index ? ", " : ""}${line.outcome === "cancelled" ? html`<s>${dish}</s>` : dish}`;
  });
  const isGone = order ? order.status === "cancelled" : tickets.every(({ state }) => state === "cancelled");
  return html`<li class="closed-bill" data-order=${orderId} data-state=${isGone ? "cancelled" : "served"}>
    <p><strong>${order?.number ?? tickets[0]?.number ?? t("tables.counter")}</strong> <span class="closed-time">${formats.time(Date.parse(placedAt))} · ${isGone ? t("state.cancelled") : t("state.served")}</span></p>
    <p class="closed-dishes">${dishes}</p></li>`;
}

/**
 * Return a ticket's line as its order has it: those of a cancelled ticket are cancelled.
 *
 * @param {Ticket} ticket
 * @param {TicketLine} line
 */
const lineOfOrder = ({ department, state }, { item, quantity, outcome }) => ({
  department,
  item,
  quantity,
  outcome: state === "cancelled" ? state : outcome,
});
