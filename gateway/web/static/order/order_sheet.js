/** One order: how far it is and when it is ready, what could not be had and what instead, cancelling, ordering again. */

import { icon } from "../ui/icon.js";
import { titleIn } from "../ui/texts.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { lineOf } from "./basket.js";
import { fillBasket } from "./basket_view.js";
import { canCancel, isOver } from "./own_orders.js";
import { headline, readyText, timeline } from "./progress_view.js";

/** @import { Order, OrderLine } from "../live/states.js" */
/** @import { App } from "./app.js" */
/** @import { BasketLine } from "./lines.js" */

/**
 * @param {string} orderId
 * @param {App} app
 */
export function showOrder(orderId, app) {
  const order = app.orders.find(orderId);
  if (!order) return;
  const state = { asks: false, note: "" };
  const redraw = (/** @type {Partial<typeof state>} */ part) => {
    Object.assign(state, part);
    app.sheets.draw();
  };
  app.sheets.close("basket");
  app.sheets.show("order", app.shell.t("order.number", { number: order.number }), () =>
    content(app.orders.find(orderId) ?? order, app, state, redraw),
  );
}

/**
 * @param {Order} order
 * @param {App} app
 * @param {{asks: boolean, note: string}} state
 * @param {(part: {asks?: boolean, note?: string}) => void} redraw
 */
function content(order, app, state, redraw) {
  const { t, formats } = app.shell;
  const made = order.lines.filter(isMade);
  const refused = order.lines.filter((line) => !isMade(line));
  const departments = [...new Set(made.map(({ department }) => department))];
  const ready = readyText(order, app);
  return html`<div class="order">
    <div class="order-state" role="status"><p class="order-headline" tabindex="-1" autofocus>${headline(order, app)}</p>
      ${ready ? html`<p class="order-ready">${ready}</p>` : nothing}</div>
    ${made.length ? timeline(order, app) : nothing}
    ${refused.length ? refusals(refused, app) : nothing}
    ${departments.map((name) => department(name, made, app))}
    ${made.length ? html`<p class="basket-total"><span>${t("order.total")}</span> <strong>${formats.money(order.total)}</strong></p>` : nothing}
    <p class="hint">${[order.table && t("order.at_table", { table: order.table }), t("order.placed_at", { time: formats.time(Date.parse(order.created_at)) })].filter(Boolean).join(" · ")}</p>
    ${state.note ? html`<p class="alert" role="alert">${state.note}</p>` : nothing}
    <div class="order-actions">${actions(order, app, state, redraw)}</div></div>`;
}

/** @param {OrderLine} line */
const isMade = ({ outcome }) => outcome === "accepted" || outcome === "pending";

/**
 * @param {OrderLine} line
 * @param {App} app
 */
const titleOf = (line, app) =>
  app.catalog.find(line.department, line.item)?.title ?? titleIn({}, app.shell.page.language, line.item);

/**
 * Return what one department makes, which is one ticket and so is equally far.
 *
 * @param {string} name
 * @param {OrderLine[]} made
 * @param {App} app
 */
function department(name, made, app) {
  const lines = made.filter((line) => line.department === name);
  const state = lines[0].outcome === "pending" ? "pending" : (lines[0].progress ?? "queued");
  const kind = state === "ready" ? "good" : state === "preparing" ? "warn" : "";
  return html`<section class="order-department">
    <div class="order-department-head"><h3>${app.catalog.titleOf(name)}</h3>
      <span class="tag ${kind}">${app.shell.t(`progress.${state}`)}</span></div>
    <ul class="order-lines">${lines.map((line) => row(line, app))}</ul></section>`;
}

/**
 * @param {OrderLine} line
 * @param {App} app
 */
function row(line, app) {
  const { t, formats } = app.shell;
  return html`<li class="order-line"><span class="quantity">${line.quantity} ×</span>
    <div><p class="order-line-title">${titleOf(line, app)}</p>
      ${line.allergy ? html`<p class="allergy-tag">${icon("alert")}${t("order.allergy_short")}</p>` : nothing}
      ${line.note ? html`<p class="basket-note">${line.note}</p>` : nothing}</div>
    <span class="order-line-price">${line.unit_price === null ? nothing : formats.money(line.unit_price * line.quantity)}</span></li>`;
}

/**
 * What is not made, and what can be had instead: nothing where all was cancelled, and not what the staff cancelled.
 *
 * @param {OrderLine[]} lines
 * @param {App} app
 */
function refusals(lines, app) {
  const { t } = app.shell;
  const isCancelled = lines.every(({ outcome }) => outcome === "cancelled");
  const wanted = isCancelled ? [] : lines.filter(({ progress }) => progress !== "withdrawn");
  const offers = wanted.flatMap((line) => instead(line, app, line.available ?? line.quantity) ?? []);
  return html`<section class="refusals"><h3>${isCancelled ? t("order.not_made") : t("order.not_had")}</h3>
    <ul>${lines.map(
      (line) => html`<li class="refusal"><span class="quantity">${line.quantity} ×</span>
      <div><p>${titleOf(line, app)}</p><p class="refusal-reason">${reason(line, app)}</p></div></li>`,
    )}</ul>
    ${
      offers.length
        ? html`<p class="refusal-offer">${t("order.instead")} <strong>${offers.map((each) => offerText(each, app)).join(", ")}</strong></p>
            <button type="button" class="button primary" @click=${() => fillBasket(offers, app)}>${t("order.change")}</button>`
        : nothing
    }</section>`;
}

/**
 * @param {OrderLine} line
 * @param {App} app
 */
function reason(line, app) {
  const { t, formats } = app.shell;
  const outcome = line.outcome === "cancelled" && line.progress === "withdrawn" ? "withdrawn" : line.outcome;
  if (outcome === "out_of_stock" && !line.available) return t("order.sold_out");
  return t(`outcome.${outcome}`, {
    count: line.available ?? 0,
    price: line.unit_price === null ? "" : formats.money(line.unit_price),
  });
}

/**
 * Return what can be had now in place of a line, or nothing.
 *
 * @param {OrderLine} line
 * @param {App} app
 * @param {number} [most]
 * @returns {BasketLine | undefined}
 */
function instead(line, app, most = line.quantity) {
  const item = app.catalog.find(line.department, line.item);
  if (!item?.onSale) return undefined;
  const quantity = Math.min(line.quantity, most, item.available ?? most);
  if (quantity < 1) return undefined;
  return lineOf(item, { quantity, note: line.note, allergy: line.allergy });
}

/**
 * @param {BasketLine} line
 * @param {App} app
 */
function offerText(line, app) {
  const item = app.catalog.find(line.department, line.item);
  return `${line.quantity} × ${item?.title ?? line.item} (${app.shell.formats.money(line.price)})`;
}

/**
 * @param {Order} order
 * @param {App} app
 * @param {{asks: boolean}} state
 * @param {(part: {asks?: boolean, note?: string}) => void} redraw
 */
function actions(order, app, state, redraw) {
  const { t } = app.shell;
  const cancel = async () => {
    redraw({ asks: false, note: "" });
    const result = await app.orders.cancel(order.order_id);
    redraw({ note: result === "cancelled" ? "" : t(`cancel.${result}`) });
  };
  if (state.asks) {
    return html`<p class="order-question" role="alert">${t("order.cancel_question")}</p>
      <button type="button" class="button danger" @click=${cancel}>${t("order.cancel_yes")}</button>
      <button type="button" class="button" @click=${() => redraw({ asks: false })}>${t("order.cancel_no")}</button>`;
  }
  const again = order.lines.flatMap((line) => instead(line, app) ?? []);
  return html`${canCancel(order) ? html`<button type="button" class="button" @click=${() => redraw({ asks: true })}>${t("order.cancel")}</button>` : nothing}
    ${isOver(order) && again.length ? html`<button type="button" class="button" @click=${() => fillBasket(again, app)}>${icon("undo")}${t("order.again")}</button>` : nothing}`;
}
