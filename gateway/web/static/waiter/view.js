/** The whole of the waiter's page: the tables, one of them beside or in their place, or ordering for it. */

import { icon } from "../ui/icon.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { orderingView } from "./ordering_view.js";
import { tableView } from "./table_view.js";
import { tablesView } from "./tables_view.js";

/** @import { Table } from "../live/tables.js" */
/** @import { Filter, Waiter } from "./waiter.js" */

/** @param {Waiter} waiter */
export function view(waiter) {
  const { place } = waiter;
  if (place.isOrdering) return orderingView(place.table, waiter);
  const tickets = waiter.tickets();
  const open = waiter.openTables(tickets);
  return html`${bar(open, waiter)}<div class="waiter-body">
    <section class="waiter-tables" aria-label=${waiter.shell.t("waiter.title")}>${tablesView(open, tickets, waiter)}</section>
    ${tableView(tickets, waiter)}</div>`;
}

/**
 * @param {Table[]} open
 * @param {Waiter} waiter
 */
function bar(open, waiter) {
  const { t } = waiter.shell;
  const { sound } = waiter;
  const isOff = sound.isMuted || sound.isBlocked;
  return html`<div class="waiter-bar">
    <h1 tabindex="-1">${t("waiter.title")}</h1>
    <form class="search" role="search" @submit=${(/** @type {Event} */ event) => void waiter.find(event)}>
      <label class="visually-hidden" for="find">${t("waiter.find")}</label>${icon("search")}
      <input id="find" type="search" maxlength="40" autocomplete="off" enterkeyhint="go" placeholder=${t("waiter.find")}
        .value=${waiter.query} @input=${(/** @type {any} */ event) => waiter.search(event.target.value)}></form>
    <div class="filters" role="group" aria-label=${t("waiter.filter")}>
      ${filter("", open.length, waiter)}
      ${filter("ready", open.filter(({ ready }) => ready.length).length, waiter)}
      ${filter("late", open.filter(({ late }) => late.length).length, waiter)}
    </div>
    <button class="button quiet round sound-button" aria-pressed=${!isOff} aria-label=${t("waiter.sound")}
      @click=${() => waiter.toggleSound()}>${icon(isOff ? "sound-off" : "sound")}</button>
  </div>`;
}

/**
 * @param {Filter} name
 * @param {number} count of tables
 * @param {Waiter} waiter
 */
function filter(name, count, waiter) {
  const { t, formats } = waiter.shell;
  const text = name ? t(`waiter.filter_${name}`) : t("waiter.filter_open");
  return html`<button class="filter" data-filter=${name || "open"} aria-pressed=${waiter.filter === name}
    @click=${() => waiter.show(name)}>${text} ${count || !name ? html`<strong>${formats.number(count)}</strong>` : nothing}</button>`;
}
