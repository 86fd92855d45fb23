/** Tables: a title, a file of the same for spreadsheets, rows in the order that somebody chose. */

import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { csvOf, download } from "./csv.js";
import { icon } from "./icon.js";

/** @import { Cell } from "./csv.js" */
/** @import { Translate } from "./texts.js" */

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: Row) => Cell} value what a file has, and what rows are sorted by
 * @property {(row: Row) => unknown} [cell] what is shown in place of the value
 * @property {boolean} [isNumber] whether it stands at the end of its cell
 * @property {boolean} [isForFile] whether only the file has it: another column's cell shows the same
 */

/**
 * @template Row
 * @typedef {object} Table
 * @property {string} id
 * @property {string} title
 * @property {Column<Row>[]} columns the first one names the row
 * @property {Row[]} rows
 * @property {(row: Row) => string} key
 * @property {(row: Row) => unknown} [actions]
 * @property {(row: Row) => string} [rowClass]
 * @property {string} file name of the file, without its ending
 * @property {() => Promise<Row[] | null>} [all] fetches all rows for the file, where not all are shown; null for no file
 * @property {unknown} [tools] what stands beside the title
 * @property {string} empty text where there are no rows
 * @property {unknown} [chart] the same as a picture, beside the table
 * @property {boolean} [isStacked] whether the picture stands above the table, however wide the page is
 */

/** Up to how many columns a table stays one on a narrow screen, where others become cards. */
const MOST_SLIM = 4;

/** The chosen columns: positive ones ascend; counted from 1. @type {Map<string, number>} */
const orders = new Map();

/**
 * @template Row
 * @param {Table<Row>} table
 * @param {Translate} t
 * @param {() => void} redraw
 */
export function dataTable(table, t, redraw) {
  const { id, title, rows, key, actions } = table;
  const columns = shownOf(table);
  const order = orders.get(id) ?? 0;
  const heads = columns.map((column, index) => head(column, index, order, () => choose(id, index, redraw)));
  const kind = table.chart === undefined ? "" : table.isStacked ? "has-chart is-stacked" : "has-chart";
  return html`<section class="table-block ${kind}" aria-labelledby="${id}-title">
    <div class="table-bar"><h2 id="${id}-title">${title}</h2><div class="table-tools">${table.tools ?? nothing}
      <button class="button quiet" id="${id}-csv" aria-label=${`CSV: ${title}`} ?disabled=${!rows.length}
        @click=${() => save(table)}>${icon("download")}
        CSV</button></div></div>
    ${rows.length ? (table.chart ?? nothing) : nothing}
    ${
      rows.length
        ? html`<table class="table ${actions || columns.length > MOST_SLIM ? "" : "slim"}" id=${id} role="table" aria-labelledby="${id}-title">
      <thead role="rowgroup"><tr role="row">${heads}${actions ? html`<th scope="col" role="columnheader"><span class="visually-hidden">${t("office.actions")}</span></th>` : nothing}</tr></thead>
      <tbody role="rowgroup">${repeat(sorted(rows, columns, order), key, (row) => lineOf(row, table))}</tbody></table>`
        : html`<p class="table-empty">${table.empty}</p>`
    }</section>`;
}

/**
 * @template Row
 * @param {Column<Row>} column
 * @param {number} index
 * @param {number} order
 * @param {() => void} onChoose
 */
function head(column, index, order, onChoose) {
  const isChosen = Math.abs(order) === index + 1;
  const sort = isChosen ? (order > 0 ? "ascending" : "descending") : nothing;
  return html`<th scope="col" role="columnheader" class=${column.isNumber ? "number" : ""} aria-sort=${sort}>
    <button class="table-sort" @click=${onChoose}>${column.title}<span aria-hidden="true">${isChosen ? (order > 0 ? " ↑" : " ↓") : ""}</span></button></th>`;
}

/**
 * @template Row
 * @param {Row} row
 * @param {Table<Row>} table
 */
function lineOf(row, table) {
  const { actions, key, rowClass } = table;
  const [first, ...others] = shownOf(table);
  const shown = (/** @type {Column<Row>} */ column) => (column.cell ?? column.value)(row) ?? "–";
  return html`<tr role="row" data-key=${key(row)} class=${rowClass?.(row) ?? ""}><th scope="row" role="rowheader">${shown(first)}</th>
    ${others.map((column) => html`<td role="cell" class=${column.isNumber ? "number" : ""} data-label=${column.title}>${shown(column)}</td>`)}
    ${actions ? html`<td role="cell" class="table-actions">${actions(row)}</td>` : nothing}</tr>`;
}

/**
 * @template Row
 * @param {Table<Row>} table
 */
const shownOf = ({ columns }) => columns.filter(({ isForFile }) => !isForFile);

/**
 * @param {string} id
 * @param {number} index
 * @param {() => void} redraw
 */
function choose(id, index, redraw) {
  orders.set(id, orders.get(id) === index + 1 ? -(index + 1) : index + 1);
  redraw();
}

/**
 * Return rows in the order of a column; those without a value come last.
 *
 * @template Row
 * @param {Row[]} rows
 * @param {Column<Row>[]} columns
 * @param {number} order
 */
function sorted(rows, columns, order) {
  if (!order) return rows;
  const { value } = columns[Math.abs(order) - 1];
  return [...rows].sort((one, other) => Math.sign(order) * compare(value(one), value(other)));
}

/**
 * @param {Cell} one
 * @param {Cell} other
 */
function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one ?? "").localeCompare(String(other ?? ""), undefined, { numeric: true });
}

/**
 * @template Row
 * @param {Table<Row>} table
 */
async function save({ columns, rows, all, file }) {
  const whole = all ? await all() : rows;
  if (!whole) return;
  const lines = whole.map((row) => columns.map((column) => column.value(row)));
  download(`${file}.csv`, csvOf([columns.map(({ title }) => title), ...lines]));
}
