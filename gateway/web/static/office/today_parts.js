/** The panels of today. */

import { icon } from "../ui/icon.js";
import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { WANT_TAGS, wantOf } from "./glance.js";

/** @import { Stock } from "../live/states.js" */
/** @import { OpenTicket, Want } from "./glance.js" */
/** @import { Office } from "./office.js" */

const MOST = 12;
/** @type {Want[]} */
const ORDER = ["sold_out", "low", "off_sale"];

/**
 * Name the tickets that are late, with a link to all.
 *
 * @param {Office} office
 * @param {OpenTicket[]} open
 */
export function lateStrip({ shell, departmentTitle }, open) {
  const { t, formats } = shell;
  const late = open.filter(({ isLate }) => isLate);
  if (!late.length) return nothing;
  return html`<p class="late-strip">${icon("bell")}<strong>${t("office.late_now")}</strong>
    ${late.slice(0, MOST).map(({ ticket, ageMs }) => html`<span class="tag bad">${ticket.number} ${departmentTitle(ticket.department)} ${formats.age(ageMs)}</span>`)}
    <a href="/office/late">${t("office.all_tickets")}</a></p>`;
}

/**
 * @param {Office} office
 * @param {OpenTicket[]} open
 */
export function departmentsPanel({ shell, store, departmentTitle }, open) {
  const { t, formats } = shell;
  const names = /** @type {string[]} */ (shell.page.data.departments);
  const one = (/** @type {string} */ name) => {
    const known = store.departments.get(name);
    const isAway = known?.state === "unreachable";
    const own = open.filter(({ ticket }) => ticket.department === name);
    const late = own.filter(({ isLate }) => isLate).length;
    return html`<li class="panel-row" data-department=${name}><span class="panel-name">${departmentTitle(name)}</span>
      <span class="panel-note">${t("office.open_count", { count: own.length })}${late ? html` · <strong>${t("office.late_count", { count: late })}</strong>` : nothing}</span>
      <span class="tag ${isAway ? "bad" : "good"}">${icon(isAway ? "offline" : "check")}${
        isAway ? t("office.away_since", { time: formats.time(Date.parse(known.since)) }) : t("office.reachable")
      }</span></li>`;
  };
  return html`<section class="panel" aria-labelledby="departments-title"><h2 id="departments-title">${t("office.departments")}</h2>
    <ul class="panel-list">${names.map(one)}</ul></section>`;
}

/** @param {Office} office */
export function wantedPanel({ shell, store, itemTitle, departmentTitle }) {
  const { t } = shell;
  const wanted = [...store.stock.values()]
    .flatMap((stock) => {
      const want = wantOf(stock);
      return want ? [{ stock, want }] : [];
    })
    .sort(
      (one, other) => ORDER.indexOf(one.want) - ORDER.indexOf(other.want) || one.stock.on_hand - other.stock.on_hand,
    );
  const one = (
    /** @type {{stock: Stock, want: Want}} */ { stock, want },
  ) => html`<li class="panel-row" data-item="${stock.department} ${stock.item}">
    <span class="panel-name">${itemTitle(stock.department, stock.item)}</span>
    <span class="panel-note">${departmentTitle(stock.department)}</span>
    <span class="tag ${WANT_TAGS[want]}">${want === "low" ? t("office.left", { count: stock.on_hand }) : t(`office.want_${want}`)}</span></li>`;
  return html`<section class="panel" aria-labelledby="wanted-title"><div class="panel-head"><h2 id="wanted-title">${t("office.wanted")}</h2>
    <a href="/office/stock">${t("office.to_stock")}</a></div>
    ${
      wanted.length
        ? html`<ul class="panel-list">${repeat(wanted.slice(0, MOST), ({ stock }) => `${stock.department} ${stock.item}`, one)}</ul>
      ${wanted.length > MOST ? html`<p class="hint">${t("office.more", { count: wanted.length - MOST })}</p>` : nothing}`
        : html`<p class="table-empty">${store.isComplete ? t("office.nothing_wanted") : t("ui.loading")}</p>`
    }</section>`;
}
