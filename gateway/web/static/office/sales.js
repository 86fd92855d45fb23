/** The page of sales. */

import { emptyState } from "../ui/states.js";
import { html } from "../vendor/lit/lit-html.js";
import { startOffice } from "./office.js";
import { Reading, reportPath } from "./reading.js";
import { isOneDay, salesByDay, salesByDepartment, salesByHour, salesByItem } from "./sales_parts.js";
import { leftOut, tile, tiles } from "./tiles.js";

/** @type {Reading<Record<"time" | "item" | "department" | "orders", string>> | undefined} */
let reading;

const office = startOffice(() => reading?.shown(view));
const sales = (/** @type {string} */ by) => reportPath(office, "sales", { by });
reading = new Reading(office, {
  time: sales(isOneDay(office) ? "hour" : "day"),
  item: sales("item"),
  department: sales("department"),
  orders: reportPath(office, "orders"),
});
if (office.days.to_ms > office.store.clock.now()) reading.follow();
else void reading.read();

/** @param {Record<"time" | "item" | "department" | "orders", any>} found */
function view({ time, item, department, orders }) {
  const { t, formats } = office.shell;
  const { quantity = 0, total = 0 } = time.totals[0] ?? {};
  const paying = orders.accepted + orders.partly_accepted;
  const figures = tiles([
    tile("sales", t("office.sales"), formats.money(total)),
    tile("quantity", t("office.items_sold"), formats.number(quantity)),
    tile("orders", t("office.orders"), formats.number(orders.orders)),
    tile("average", t("office.average"), paying ? formats.money(Math.round(total / paying)) : "–"),
  ]);
  if (!time.figures.length)
    return html`${figures}${leftOut(office, time.left_out)}${emptyState("chart", t("office.no_sales"))}`;
  return html`${figures}${leftOut(office, time.left_out)}${(isOneDay(office) ? salesByHour : salesByDay)(office, time.figures)}
    ${salesByItem(office, item.figures)}${salesByDepartment(office, department.figures)}`;
}
