/** Today at a glance: orders, sales, tickets, departments, and what is low or off sale. */

import { isClosed } from "../live/store.js";
import { html } from "../vendor/lit/lit-html.js";
import { openTickets } from "./glance.js";
import { startOffice } from "./office.js";
import { Reading, reportPath } from "./reading.js";
import { salesByHour } from "./sales_parts.js";
import { leftOut, tile, tiles } from "./tiles.js";
import { departmentsPanel, lateStrip, wantedPanel } from "./today_parts.js";

/** @type {Reading<Record<"hour" | "orders", string>> | undefined} */
let reading;

const office = startOffice(() => reading?.shown(view));
reading = new Reading(office, {
  hour: reportPath(office, "sales", { by: "hour" }),
  orders: reportPath(office, "orders"),
});
reading.follow();
setInterval(tick, 1000);

/** Let ages go on; after midnight the page is about another day. */
function tick() {
  if (office.store.clock.now() >= office.days.to_ms) location.reload();
  else office.draw();
}

/** @param {Record<"hour" | "orders", any>} found */
function view({ hour, orders }) {
  const { t, formats } = office.shell;
  const { quantity = 0, total = 0 } = hour.totals[0] ?? {};
  const open = openTickets(office);
  const late = open.filter(({ isLate }) => isLate).length;
  const count = (/** @type {string} */ state) => open.filter(({ ticket }) => ticket.state === state).length;
  const states = ["queued", "preparing", "ready"].map((state) => `${count(state)} ${t(`state.${state}`)}`).join(" · ");
  return html`${tiles([
    tile("orders", t("office.orders"), formats.number(orders.orders), ordersDetail(orders)),
    tile("sales", t("office.sales"), formats.money(total), t("office.items_count", { count: quantity })),
    tile("open", t("office.open_tickets"), formats.number(open.length), states),
    tile("late", t("office.late"), formats.number(late), lateDetail(open), late ? "bad" : ""),
  ])}${leftOut(office, hour.left_out)}${lateStrip(office, open)}
  <div class="panels"><div class="panel-column">${departmentsPanel(office, open)}${salesByHour(office, hour.figures, true)}</div>
    ${wantedPanel(office)}</div>`;
}

/** @param {any} orders */
function ordersDetail({ orders, refused, cancelled, pending }) {
  const { t } = office.shell;
  if (!orders) return t("office.no_orders");
  const parts = [
    refused && t("office.refused_count", { count: refused }),
    cancelled && t("office.cancelled_count", { count: cancelled }),
    pending && t("office.pending_count", { count: pending }),
  ].filter(Boolean);
  return parts.length ? parts.join(" · ") : t("office.all_accepted");
}

/** @param {import("./glance.js").OpenTicket[]} open */
function lateDetail(open) {
  const { t, formats } = office.shell;
  const oldest = open.find(({ ticket }) => !isClosed(ticket) && ticket.state !== "ready");
  return oldest ? t("office.oldest_age", { age: formats.age(oldest.ageMs) }) : t("office.nothing_waits");
}
