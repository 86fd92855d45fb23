/** The whole of the pass: how much is ready and late, and a card for each table. */

import { canFullScreen, isFullScreen } from "../device/full_screen.js";
import { dishesOf } from "../live/tickets.js";
import { icon } from "../ui/icon.js";
import { loadingState } from "../ui/states.js";
import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { card } from "./card.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { Store } from "../live/store.js" */
/** @import { Table } from "../live/tables.js" */
/** @import { Titles } from "../live/titles.js" */
/** @import { Moves } from "../moves/moves.js" */
/** @import { Serving } from "../moves/serving.js" */
/** @import { Shell } from "../shell.js" */
/** @import { Place } from "./cards.js" */

/** @typedef {"" | "ready" | "late"} Filter */

/**
 * @typedef {object} Pass
 * @property {Shell} shell
 * @property {Store} store
 * @property {Moves} moves
 * @property {Titles} titles
 * @property {Serving} serving
 * @property {Filter} filter
 * @property {(filter: Filter) => void} show
 * @property {() => void} fill the whole screen, or leave it
 */

/**
 * @param {Place[]} places
 * @param {Table[]} tables
 * @param {Ticket[]} ready
 * @param {Pass} pass
 */
export function view(places, tables, ready, pass) {
  const { t, formats } = pass.shell;
  const late = tables.filter((table) => table.late.length).length;
  const whole = tables.filter(({ making }) => !making.length).length;
  return html`<div class="pass-bar">
      <h1>${t("pass.title")}</h1>
      <div class="filters" role="group" aria-label=${t("pass.filter")}>
        ${filter("", t("pass.all"), tables.length, pass)}
        ${filter("ready", t("pass.whole"), whole, pass)}
        ${filter("late", t("pass.late"), late, pass)}
      </div>
      <p class="pass-counts">${ready.length ? html`<span class="tag good">${icon("bell")}${t("tables.ready", { count: dishesOf(ready) })}</span>` : nothing}</p>
      <time class="pass-clock">${formats.time(pass.store.clock.now())}</time>
      ${canFullScreen() ? html`<button class="button quiet round" aria-label=${isFullScreen() ? t("pass.leave_full_screen") : t("pass.full_screen")} @click=${pass.fill}>${icon("full-screen")}</button>` : nothing}
    </div>
    <section class="pass-main" aria-label=${t("pass.tables")}>${content(places, pass)}</section>`;
}

/**
 * @param {Filter} name
 * @param {string} text
 * @param {number} count
 * @param {Pass} pass
 */
function filter(name, text, count, pass) {
  return html`<button class="filter" data-filter=${name || "all"} aria-pressed=${pass.filter === name}
    @click=${() => pass.show(name)}>${text} ${count || !name ? html`<strong>${pass.shell.formats.number(count)}</strong>` : nothing}</button>`;
}

/**
 * @param {Place[]} places
 * @param {Pass} pass
 */
function content(places, pass) {
  const { shell, store, filter } = pass;
  if (!places.length && !store.isComplete && !store.menus.size) return loadingState(shell.t, 6);
  const shown = places.filter(
    ({ value: table }) => !filter || (filter === "late" ? table.late.length > 0 : !table.making.length),
  );
  if (!shown.length)
    return html`<div class="empty">${icon("done")}<p>${filter ? shell.t("pass.none") : shell.t("pass.empty")}</p></div>`;
  return html`<ol class="pass-cards">${repeat(
    shown,
    ({ key }) => key,
    (place) => card(place, pass),
  )}</ol>`;
}
