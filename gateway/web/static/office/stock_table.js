/** The table of the stock, an item a row: received = on hand + held + sold + wasted. */

import { icon } from "../ui/icon.js";
import { dataTable } from "../ui/table.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { rowButton } from "./entries.js";
import { WANT_TAGS, wantOf } from "./glance.js";
import { keepsLaw } from "./law.js";
import { openChange } from "./stock_dialogs.js";
import { openHistory } from "./stock_history.js";

/** @import { Stock } from "../live/states.js" */
/** @import { Column } from "../ui/table.js" */
/** @import { Office } from "./office.js" */

/**
 * @param {Office} office
 * @param {Stock[]} rows
 */
export function stockTable(office, rows) {
  const { t, formats } = office.shell;
  const count = (/** @type {"received" | "on_hand" | "held" | "sold" | "wasted"} */ name) => ({
    title: t(`office.${name}`),
    value: (/** @type {Stock} */ stock) =>
      stock.unlimited && (name === "on_hand" || name === "received") ? null : stock[name],
    cell: (/** @type {Stock} */ stock) =>
      stock.unlimited && (name === "on_hand" || name === "received")
        ? t("office.unlimited")
        : formats.number(stock[name]),
    isNumber: true,
  });
  /** @type {Column<Stock>[]} */
  const columns = [
    {
      title: t("office.item"),
      value: ({ department, item }) => office.itemTitle(department, item),
      cell: (stock) => html`<span class="item-name">${office.itemTitle(stock.department, stock.item)}</span>
        <span class="item-note">${office.departmentTitle(stock.department)}</span>`,
    },
    { title: t("office.department"), value: ({ department }) => office.departmentTitle(department), isForFile: true },
    { title: t("office.state"), value: (stock) => stateText(office, stock), cell: (stock) => stateTag(office, stock) },
    { ...count("on_hand"), cell: (stock) => html`<strong>${count("on_hand").cell(stock)}</strong>` },
    count("held"),
    count("sold"),
    count("wasted"),
    { ...count("received"), cell: (stock) => html`${count("received").cell(stock)}${lawMark(office, stock)}` },
  ];
  return dataTable(
    {
      id: "stock",
      title: t("office.nav_stock"),
      columns,
      rows,
      key: keyOf,
      actions: (stock) => actions(office, stock),
      file: `stock-${office.days.today}`,
      empty: t("office.no_items"),
    },
    t,
    office.draw,
  );
}

/** @param {Stock} stock */
const keyOf = ({ department, item }) => `${department} ${item}`;

/**
 * @param {Office} office
 * @param {Stock} stock
 */
const lawMark = ({ shell }, stock) =>
  keepsLaw(stock) ? nothing : html` <span class="tag bad">${icon("alert")}${shell.t("office.law_broken")}</span>`;

/**
 * @param {Office} office
 * @param {Stock} stock
 */
function stateText({ shell }, stock) {
  const want = wantOf(stock);
  return want ? shell.t(`office.want_${want}`) : shell.t("office.on_sale");
}

/**
 * @param {Office} office
 * @param {Stock} stock
 */
function stateTag(office, stock) {
  const want = wantOf(stock);
  const name = want === "sold_out" ? "alert" : want === "off_sale" ? "ban" : want === "low" ? "minus" : "check";
  return html`<span class="tag ${want ? WANT_TAGS[want] : "good"}">${icon(name)}${stateText(office, stock)}</span>`;
}

/**
 * @param {Office} office
 * @param {Stock} stock
 */
function actions(office, stock) {
  const { t, page } = office.shell;
  const title = office.itemTitle(stock.department, stock.item);
  const button = (/** @type {string} */ text, /** @type {() => void} */ act) => rowButton(text, title, act);
  const mayChange = page.rights.includes("stock.change");
  const mayCount = mayChange && !stock.unlimited;
  return html`<span class="row-actions">
    ${mayCount ? [button(t("office.restock"), () => openChange(office, stock, "delivery")), button(t("office.count"), () => openChange(office, stock, "count"))] : nothing}
    ${mayChange ? button(t("office.waste"), () => openChange(office, stock, "waste")) : nothing}
    ${button(stock.on_sale ? t("office.take_off_sale") : t("office.put_on_sale"), () => office.moves.setOnSale(stock.department, stock.item, !stock.on_sale))}
    ${button(t("office.history"), () => void openHistory(office, stock))}</span>`;
}
