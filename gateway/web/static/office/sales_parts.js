/** Sales by hour or day, by item and by department: each a chart with its table beside it. */

import { dataTable } from "../ui/table.js";
import { html } from "../vendor/lit/lit-html.js";
import { columnChart, rowChart } from "./charts.js";
import { hoursOf } from "./hours.js";

/** @import { Office } from "./office.js" */
/** @import { Bar } from "./charts.js" */
/** @import { Column } from "../ui/table.js" */

/**
 * @typedef {object} Figure of GET /reports/sales
 * @property {string | null} day
 * @property {string | null} hour
 * @property {string | null} department
 * @property {string | null} item
 * @property {number} quantity
 * @property {number} total
 *
 * @typedef {object} Part
 * @property {string} id
 * @property {string} title
 * @property {Column<Figure>[]} first the columns that say what a figure is of
 * @property {Figure[]} rows
 * @property {unknown} chart
 * @property {boolean} [isStacked]
 */

const MOST_BARS = 12;
/** The width from which on two panels stand side by side: see `.panels`. */
const TWO_PANELS = 784;

/** Whether the page is about one day. @param {Office} office */
export const isOneDay = ({ days }) => days.first_day === days.last_day;

/**
 * @param {Office} office
 * @param {Figure[]} figures by hour, all of one day
 * @param {boolean} isStacked
 */
export function salesByHour(office, figures, isStacked = false) {
  const { t, formats } = office.shell;
  const at = (/** @type {Figure} */ { hour }) => Date.parse(hour ?? "");
  const first = [
    {
      title: t("office.hour"),
      value: (/** @type {Figure} */ figure) => formats.stamp(at(figure)),
      cell: (/** @type {Figure} */ figure) => formats.time(at(figure)),
    },
  ];
  const title = t("office.sales_by_hour");
  const beside = isStacked ? TWO_PANELS : undefined;
  const bars = hoursOf(figures).map(barOf(office, (figure) => formats.time(at(figure)).slice(0, 2)));
  return partOf(office, {
    id: "by-hour",
    title,
    first,
    rows: figures,
    chart: columnChart(title, bars, beside),
    isStacked,
  });
}

/**
 * @param {Office} office
 * @param {Figure[]} figures by day
 */
export function salesByDay(office, figures) {
  const { t, page } = office.shell;
  const format = new Intl.DateTimeFormat(page.language, { timeZone: "UTC", weekday: "short", day: "numeric" });
  const name = (/** @type {Figure} */ { day }) => format.format(Date.parse(day ?? ""));
  const first = [{ title: t("office.day"), value: (/** @type {Figure} */ { day }) => day, cell: name }];
  const title = t("office.sales_by_day");
  const chart = columnChart(title, figures.map(barOf(office, name)));
  return partOf(office, { id: "by-day", title, first, rows: figures, chart });
}

/**
 * @param {Office} office
 * @param {Figure[]} figures by item
 */
export function salesByItem(office, figures) {
  const { t } = office.shell;
  const rows = [...figures].sort((one, other) => other.total - one.total);
  const name = (/** @type {Figure} */ { department, item }) => office.itemTitle(department ?? "", item ?? "");
  const place = (/** @type {Figure} */ { department }) => office.departmentTitle(department ?? "");
  const first = [
    {
      title: t("office.item"),
      value: name,
      cell: (/** @type {Figure} */ figure) => html`${name(figure)}<span class="item-note">${place(figure)}</span>`,
    },
    { title: t("office.department"), value: place, isForFile: true },
  ];
  const title = t("office.sales_by_item");
  const chart = rowChart(title, rows.slice(0, MOST_BARS).map(barOf(office, name)));
  return partOf(office, { id: "by-item", title, first, rows, chart });
}

/**
 * @param {Office} office
 * @param {Figure[]} rows by department
 */
export function salesByDepartment(office, rows) {
  const { t } = office.shell;
  const name = (/** @type {Figure} */ { department }) => office.departmentTitle(department ?? "");
  const title = t("office.sales_by_department");
  const first = [{ title: t("office.department"), value: name }];
  const chart = rowChart(title, rows.map(barOf(office, name)));
  return partOf(office, { id: "by-department", title, first, rows, chart });
}

/**
 * @param {Office} office
 * @param {Part} part
 */
function partOf(office, { first, ...part }) {
  const { t, formats, page } = office.shell;
  const { first_day, last_day } = office.days;
  /** @type {Column<Figure>[]} */
  const columns = [
    ...first,
    {
      title: t("office.quantity"),
      value: ({ quantity }) => quantity,
      cell: ({ quantity }) => formats.number(quantity),
      isNumber: true,
    },
    {
      title: `${t("office.total")} (${page.currency})`,
      value: ({ total }) => formats.major(total),
      cell: ({ total }) => formats.money(total),
      isNumber: true,
    },
  ];
  const file = `sales-${part.id}-${first_day}${isOneDay(office) ? "" : `-${last_day}`}`;
  const key = (/** @type {Figure} */ { day, hour, department, item }) => `${day} ${hour} ${department} ${item}`;
  const table = { ...part, columns, key, file, empty: t("office.no_sales") };
  return html`<div class="panel">${dataTable(table, t, office.draw)}</div>`;
}

/**
 * @param {Office} office
 * @param {(figure: Figure) => string} label
 * @returns {(figure: Figure) => Bar}
 */
const barOf =
  ({ shell }, label) =>
  (figure) => ({ label: label(figure), value: figure.total, text: shell.formats.money(figure.total) });
