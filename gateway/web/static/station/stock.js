/** The drawer of the stock: what is off sale, and, for managers, what has come and what was counted. */

import { openDialog } from "../ui/dialog.js";
import { icon } from "../ui/icon.js";
import { errorState } from "../ui/states.js";
import { titleIn } from "../ui/texts.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { changeOf } from "./stock_change.js";

/** @import { MenuItem, Stock } from "../live/states.js" */
/** @import { Station } from "./station.js" */

/** @param {Station} station */
export function stock(station) {
  const { store, shell } = station;
  const menus = station.departments.flatMap((name) => store.menus.get(name) ?? []);
  if (!menus.length) return errorState(shell.t, shell.t("station.no_menu"));
  return menus.map(
    (
      menu,
    ) => html`${menus.length > 1 ? html`<h3>${titleIn(menu.titles, shell.page.language, menu.department)}</h3>` : nothing}
      <ul class="stock">${menu.items.map((item) => row(menu.department, item, station))}</ul>`,
  );
}

/**
 * @param {string} department
 * @param {MenuItem} item
 * @param {Station} station
 */
function row(department, item, station) {
  const { store, shell, moves, rights } = station;
  const { t } = shell;
  const known = store.stock.get(`${department} ${item.id}`);
  const isOnSale = moves.shownOnSale(department, item.id, known?.on_sale ?? true);
  const title = station.itemTitle(department, item.id);
  const sale = () => moves.setOnSale(department, item.id, !isOnSale);
  return html`<li class="stock-row" data-item=${item.id} data-on-sale=${isOnSale}>
    <p class="stock-item"><strong>${title}</strong> <span class="stock-left" data-level=${levelOf(known)}>${leftOf(known, station)}</span></p>
    <div class="stock-actions">
      ${rights.has("stock.change") && known ? html`<button class="button" aria-label=${`${t("station.restock")}: ${title}`} @click=${() => restock(known, title, station)}>${icon("plus")}${t("station.restock")}</button>` : nothing}
      ${rights.has("sale.change") ? html`<button class="sale" role="switch" aria-checked=${isOnSale} aria-label=${`${t("station.on_sale")}: ${title}`} @click=${sale}>${icon(isOnSale ? "check" : "ban")}${t(isOnSale ? "station.on_sale" : "station.off_sale")}</button>` : nothing}
    </div></li>`;
}

/** @param {Stock | undefined} stock */
function levelOf(stock) {
  if (!stock || stock.unlimited) return "";
  return stock.on_hand > 5 ? "" : stock.on_hand > 0 ? "few" : "none";
}

/**
 * @param {Stock | undefined} stock
 * @param {Station} station
 */
function leftOf(stock, { shell }) {
  if (!stock) return "";
  return stock.unlimited ? shell.t("station.unlimited") : shell.t("station.left", { count: stock.on_hand });
}

/**
 * Ask how many have come, were wasted or counted.
 *
 * @param {Stock} stock
 * @param {string} title
 * @param {Station} station
 */
function restock(stock, title, station) {
  const { t } = station.shell;
  const dialog = openDialog(title, form(), t);
  function form() {
    const submit = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      const data = new FormData(/** @type {HTMLFormElement} */ (event.target), event.submitter);
      const change = changeOf(String(data.get("reason")), Number(data.get("quantity")), stock);
      if (change) station.moves.changeStock(stock.department, stock.item, change);
      if (change) dialog.close();
    };
    return html`<form class="form" @submit=${submit}>
      <p class="restock-now">${t("station.on_hand")} <strong>${station.shell.formats.number(stock.on_hand)}</strong></p>
      <label class="field">${t("station.quantity")}<input name="quantity" type="number" inputmode="numeric" min="0" max="1000000" step="1" required autofocus></label>
      <div class="restock-actions">
        <button class="button primary large" name="reason" value="delivery">${icon("plus")}${t("station.delivery")}</button>
        <button class="button large" name="reason" value="waste">${icon("minus")}${t("station.waste")}</button>
        <button class="button large" name="reason" value="count">${icon("check")}${t("station.counted")}</button>
      </div></form>`;
  }
}
