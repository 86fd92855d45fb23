/** The page of the stock: the law of each item, and what is done about it. */

import { tellResults } from "../moves/tell.js";
import { loadingState } from "../ui/states.js";
import { html } from "../vendor/lit/lit-html.js";
import { wantOf } from "./glance.js";
import { startOffice } from "./office.js";
import { isAsked } from "./stock_dialogs.js";
import { stockTable } from "./stock_table.js";

/** What the rows are narrowed to. */
const wanted = { department: "", text: "", onlyWanted: false };

const office = startOffice(view);
tellResults(office.moves, office.shell, ({ entry }) => isAsked(entry.id));

function view() {
  const { shell, store, moves, itemTitle } = office;
  const { t } = shell;
  if (!store.isComplete) return loadingState(t, 6);
  const text = wanted.text.trim().toLocaleLowerCase();
  const rows = [...store.stock.values()]
    .map((stock) => ({ ...stock, on_sale: moves.shownOnSale(stock.department, stock.item, stock.on_sale) }))
    .filter(({ department }) => !wanted.department || department === wanted.department)
    .filter((stock) => !wanted.onlyWanted || wantOf(stock))
    .filter(
      ({ department, item }) => !text || `${itemTitle(department, item)} ${item}`.toLocaleLowerCase().includes(text),
    )
    .sort((one, other) => one.department.localeCompare(other.department) || placeOf(one) - placeOf(other));
  return html`${filters()}<div class="panel">${stockTable(office, rows)}</div><p class="hint law">${t("office.law")}</p>`;
}

/** Return an item's place on its menu. @param {import("../live/states.js").Stock} stock */
function placeOf({ department, item }) {
  return office.store.menus.get(department)?.items.findIndex(({ id }) => id === item) ?? 0;
}

function filters() {
  const { shell, departmentTitle } = office;
  const { t } = shell;
  const choose = (/** @type {Partial<typeof wanted>} */ change) => {
    Object.assign(wanted, change);
    office.draw();
  };
  const segment = (
    /** @type {string} */ name,
  ) => html`<button class="segment" aria-pressed=${wanted.department === name}
    @click=${() => choose({ department: name })}>${name ? departmentTitle(name) : t("office.all")}</button>`;
  return html`<div class="filters"><div class="segments" role="group" aria-label=${t("office.department")}>
      ${["", ...shell.page.data.departments].map(segment)}</div>
    <input class="input" type="search" aria-label=${t("office.search")} placeholder=${t("office.search")}
      @input=${(/** @type {any} */ event) => choose({ text: event.target.value })} />
    <label class="check"><input type="checkbox" @change=${(/** @type {any} */ event) => choose({ onlyWanted: event.target.checked })} />
      <span>${t("office.only_wanted")}</span></label></div>`;
}
