/** How far an order is, in words and as a row of steps. */

import { icon } from "../ui/icon.js";
import { html } from "../vendor/lit/lit-html.js";

/** @import { Order } from "../live/states.js" */
/** @import { App } from "./app.js" */

const STEPS = /** @type {const} */ ([
  ["queued", "check"],
  ["preparing", "clock"],
  ["ready", "bell"],
  ["served", "table"],
]);

/** How many of the steps an order has reached. @type {Record<string, number>} */
const REACHED = { pending: 0, queued: 1, preparing: 2, partly_ready: 2, ready: 3, served: 4 };

/**
 * Return one word for where an order is: its progress, or what became of it.
 *
 * @param {Order} order
 */
export function stateOf({ status, progress, lines }) {
  if (progress) return progress;
  if (
    status === "cancelled" &&
    lines.some(
      ({ outcome }) =>
        outcome === "out_of_stock" ||
        outcome === "off_sale" ||
        outcome === "price_changed" ||
        outcome === "not_on_menu",
    )
  )
    return "refused";
  return status === "pending" || status === "cancelled" ? status : "refused";
}

/**
 * @param {Order} order
 * @param {App} app
 */
export const headline = (order, app) => app.shell.t(`headline.${stateOf(order)}`);

/**
 * Return when an order is ready, in words; nothing where that has passed or is not known.
 *
 * @param {Order} order
 * @param {App} app
 */
export function readyText(order, { shell: { t, formats }, store }) {
  const state = stateOf(order);
  if (!order.ready_at || !["queued", "preparing", "partly_ready", "pending"].includes(state)) return "";
  const at = Date.parse(order.ready_at);
  const minutes = Math.ceil((at - store.clock.now()) / 60_000);
  if (minutes <= 0) return t("order.late");
  return t("order.ready_about", { time: formats.time(at), count: minutes });
}

/**
 * @param {Order} order
 * @param {App} app
 */
export function timeline(order, { shell: { t } }) {
  const reached = REACHED[stateOf(order)] ?? 0;
  return html`<ol class="timeline" aria-label=${t("order.steps")}>
    ${STEPS.map(
      (
        [name, sign],
        place,
      ) => html`<li class="step ${place < reached ? "is-done" : ""} ${place === reached - 1 ? "is-current" : ""}"
        aria-current=${place === reached - 1 ? "step" : "false"}><span class="step-mark">${icon(sign)}</span>
        <span class="step-text">${t(`step.${name}`)}</span></li>`,
    )}</ol>`;
}
