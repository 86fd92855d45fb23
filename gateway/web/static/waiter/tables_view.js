/** The tables as tiles: what is ready, late and being made at each. They stay where they are: as people count them. */

import { dishesOf } from "../live/tickets.js";
import { icon } from "../ui/icon.js";
import { loadingState } from "../ui/states.js";
import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { numberIn, wanted } from "./finding.js";
import { addressOf, atTable, placeOf } from "./place.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { Table } from "../live/tables.js" */
/** @import { Place } from "./place.js" */
/** @import { Waiter } from "./waiter.js" */

/**
 * @param {Table[]} open
 * @param {Ticket[]} tickets
 * @param {Waiter} waiter
 */
export function tablesView(open, tickets, waiter) {
  const { t } = waiter.shell;
  const { query, filter, store } = waiter;
  if (!open.length && !store.isComplete && !store.menus.size) return loadingState(t, 6);
  const shown = open.filter((table) => passes(table, filter) && wanted(table, query));
  const waiting = waiter.waiting();
  const free = filter ? [] : waiter.freeTables(tickets, open).filter((name) => wanted({ name, tickets: [] }, query));
  return html`
    ${waiter.missing ? html`<p class="alert" role="alert">${t("waiter.no_number", { number: waiter.missing })}</p>` : nothing}
    ${
      shown.length
        ? html`<ul class="tiles">${repeat(
            shown,
            ({ key }) => key,
            (table) => tile(table, waiting.has(table.key), waiter),
          )}</ul>`
        : nothing
    }
    ${!shown.length && !query ? nobody(waiter) : nothing}
    ${query ? offers(open, free, waiter) : nothing}
    ${
      free.length
        ? html`<h2 class="tiles-title">${t("waiter.free")}</h2>
      <ul class="tiles is-free">${repeat(
        free,
        (name) => name,
        (name) => freeTile(name, waiter),
      )}</ul>`
        : nothing
    }`;
}

/**
 * @param {Table} table
 * @param {Waiter["filter"]} filter
 */
const passes = (table, filter) => !filter || (filter === "late" ? table.late.length > 0 : table.ready.length > 0);

/** @param {Waiter} waiter */
function nobody({ filter, shell: { t } }) {
  return html`<div class="empty">${icon("done")}<p>${filter ? t(`waiter.none_${filter}`) : t("waiter.empty")}</p>
    ${filter ? nothing : html`<p class="empty-hint">${t("waiter.empty_hint")}</p>`}</div>`;
}

/**
 * @param {Table} table
 * @param {boolean} isWaiting for a department's answer
 * @param {Waiter} waiter
 */
function tile(table, isWaiting, waiter) {
  const { shell, store, place } = waiter;
  const { t, formats } = shell;
  const at = placeOf({ table: table.name || null, order_id: table.orderId });
  const minutes = Math.trunc(Math.max(0, store.clock.now() - Date.parse(table.placedAt)) / 60_000);
  const name = table.name || (table.number === null ? t("tables.counter") : formats.number(table.number));
  return html`<li><a class="tile" href=${addressOf(at)} data-key=${table.key} data-state=${table.ready.length ? "ready" : "making"}
    data-level=${table.level} aria-current=${place.key === table.key ? "true" : nothing} @click=${going(at, waiter)}>
    <span class="tile-name ${name.length > 5 ? "is-long" : ""}">${name}</span>
    <span class="tile-age">${t("tables.minutes", { count: minutes })}</span>
    <span class="tile-facts">
      ${table.ready.length ? html`<span class="fact is-ready">${icon("bell")}${t("tables.ready", { count: dishesOf(table.ready) })}</span>` : nothing}
      ${table.late.length ? html`<span class="fact ${table.level === "very-late" ? "is-very-late" : "is-late"}">${icon("clock")}${t("tables.late", { count: dishesOf(table.late) })}</span>` : nothing}
      ${table.making.length > table.late.length ? html`<span class="fact is-making">${t("tables.making", { count: dishesOf(table.making) - dishesOf(table.late) })}</span>` : nothing}
      ${isWaiting ? html`<span class="fact is-waiting">${icon("clock")}${t("waiter.pending")}</span>` : nothing}
      ${draftFact(table.name, waiter)}</span></a></li>`;
}

/**
 * @param {string} name
 * @param {Waiter} waiter
 */
function draftFact(name, { orderings, shell: { t } }) {
  return name && orderings.hasDraft(name)
    ? html`<span class="fact is-draft">${icon("basket")}${t("waiter.not_sent")}</span>`
    : nothing;
}

/**
 * @param {string} name
 * @param {Waiter} waiter
 */
function freeTile(name, waiter) {
  const at = atTable(name);
  return html`<li><a class="tile is-free" href=${addressOf(at)} data-key=${at.key} aria-current=${waiter.place.key === at.key ? "true" : nothing}
    @click=${going(at, waiter)}><span class="tile-name ${name.length > 5 ? "is-long" : ""}">${name}</span>${draftFact(name, waiter)}</a></li>`;
}

/**
 * What can be done with what was typed and is no table yet.
 *
 * @param {Table[]} open
 * @param {string[]} free
 * @param {Waiter} waiter
 */
function offers(open, free, waiter) {
  const { t } = waiter.shell;
  const name = waiter.query.trim();
  if (!name) return nothing;
  const isKnown = [...open.map((table) => table.name), ...free].some((each) => waiter.compare(each, name) === 0);
  const at = atTable(name);
  return html`<div class="offers">
    ${isKnown ? nothing : html`<a class="button large" href=${addressOf(at)} @click=${going(at, waiter)}>${icon("plus")}${t("waiter.open_table", { table: name })}</a>`}
    ${numberIn(name) ? html`<button class="button large" @click=${() => void waiter.findNumber(name)}>${icon("search")}${t("waiter.find_number", { number: name })}</button>` : nothing}
  </div>`;
}

/**
 * Return what a tap on a link to a place does; with a key that opens another page, it is the browser's.
 *
 * @param {Place} place
 * @param {Waiter} waiter
 */
export function going(place, waiter) {
  return (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    waiter.search("");
    waiter.go(place);
  };
}
