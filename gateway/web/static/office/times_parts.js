/** Preparation times and the accuracy of quotes: each a chart with its table beside it. */

import { dataTable } from "../ui/table.js";
import { html } from "../vendor/lit/lit-html.js";
import { rowChart } from "./charts.js";

/** @import { Office } from "./office.js" */
/** @import { Column, Table } from "../ui/table.js" */

/**
 * @typedef {object} Preparation of GET /reports/preparation-times, in seconds
 * @property {string} department
 * @property {string | null} item
 * @property {number} shares
 * @property {number} p50
 * @property {number} p95
 *
 * @typedef {{p50: number, p90: number}} Spread
 *
 * @typedef {object} Accuracy of GET /reports/ready-times, in seconds
 * @property {string} department
 * @property {number} shares
 * @property {Spread} quoted
 * @property {Spread} actual
 * @property {Spread} error
 * @property {number} late_p50
 */

const MOST_BARS = 12;

/**
 * @param {Office} office
 * @param {string} id
 * @param {string} title
 * @param {Preparation[]} figures
 */
export function preparationPart(office, id, title, figures) {
  const { t, formats } = office.shell;
  const age = (/** @type {number} */ seconds) => formats.age(seconds * 1000);
  const name = (/** @type {Preparation} */ { department, item }) =>
    item ? office.itemTitle(department, item) : office.departmentTitle(department);
  const ranked = [...figures].sort((one, other) => other.p50 - one.p50);
  const bars = ranked.slice(0, MOST_BARS).map((each) => ({
    label: name(each),
    value: each.p50,
    limit: each.p95,
    text: `${age(each.p50)} · ${age(each.p95)}`,
  }));
  /** @type {Column<Preparation>[]} */
  const columns = [
    { title: figures[0]?.item ? t("office.item") : t("office.department"), value: name },
    number(t("office.shares"), ({ shares }) => shares, formats.number),
    number(t("office.median"), ({ p50 }) => p50, age),
    number(t("office.p95"), ({ p95 }) => p95, age),
  ];
  const file = `preparation-${id}-${office.days.first_day}`;
  const key = (/** @type {Preparation} */ { department, item }) => `${department} ${item}`;
  const table = { id, title, columns, rows: ranked, key, file, empty: t("office.no_times") };
  return panelOf(office, { ...table, chart: rowChart(title, bars, legend(office)) });
}

/**
 * @param {Office} office
 * @param {Accuracy[]} rows
 */
export function accuracyPart(office, rows) {
  const { t, formats } = office.shell;
  const age = (/** @type {number} */ seconds) => formats.age(seconds * 1000);
  const name = (/** @type {Accuracy} */ { department }) => office.departmentTitle(department);
  const bars = rows.map((each) => ({
    label: name(each),
    value: each.error.p50,
    limit: each.error.p90,
    text: `±${age(each.error.p50)} · ±${age(each.error.p90)}`,
  }));
  /** @type {Column<Accuracy>[]} */
  const columns = [
    { title: t("office.department"), value: name },
    number(t("office.shares"), ({ shares }) => shares, formats.number),
    number(t("office.quoted"), ({ quoted }) => quoted.p50, age),
    number(t("office.actual"), ({ actual }) => actual.p50, age),
    number(t("office.error"), ({ error }) => error.p50, age),
    number(t("office.error_p90"), ({ error }) => error.p90, age),
    { title: t("office.mostly"), value: ({ late_p50 }) => mostly(office, late_p50) },
  ];
  const title = t("office.accuracy");
  const file = `ready-times-${office.days.first_day}`;
  const table = {
    id: "accuracy",
    title,
    columns,
    rows,
    key: (/** @type {Accuracy} */ { department }) => department,
    file,
    empty: t("office.no_times"),
  };
  return panelOf(office, {
    ...table,
    chart: rowChart(title, bars, legend(office, "office.p90"), Number.POSITIVE_INFINITY),
    isStacked: true,
  });
}

/**
 * @template Row
 * @param {Office} office
 * @param {Table<Row>} table
 */
const panelOf = (office, table) => html`<div class="panel">${dataTable(table, office.shell.t, office.draw)}</div>`;

/**
 * @template Row
 * @param {string} title
 * @param {(row: Row) => number} value
 * @param {(value: number) => string} show
 * @returns {Column<Row>}
 */
const number = (title, value, show) => ({ title, value, cell: (row) => show(value(row)), isNumber: true });

/**
 * Say whether most were early or late, and by how much.
 *
 * @param {Office} office
 * @param {number} seconds negative where most were early
 */
function mostly({ shell }, seconds) {
  const age = shell.formats.age(Math.abs(seconds) * 1000);
  return seconds > 0 ? shell.t("office.mostly_late", { age }) : shell.t("office.mostly_early", { age });
}

/**
 * @param {Office} office
 * @param {string} limit
 */
const legend = (
  { shell },
  limit = "office.p95",
) => html`<figcaption class="chart-legend"><span class="legend-bar"></span>${shell.t("office.median")}
  <span class="legend-limit"></span>${limit === "office.p95" ? shell.t("office.p95") : shell.t("office.p90")}
  <span>(${shell.t("office.minutes_seconds")})</span></figcaption>`;
