/** The whole of a station: its bar, its cards, its drawer. */

import { isOpen } from "../live/tickets.js";
import { icon } from "../ui/icon.js";
import { loadingState } from "../ui/states.js";
import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { bar } from "./bar.js";
import { card } from "./card.js";
import { drawer } from "./drawers.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { Place } from "./board.js" */
/** @import { Station } from "./station.js" */

/**
 * @param {Place[]} places
 * @param {Ticket[]} tickets all of the station
 * @param {Station} station
 */
export function view(places, tickets, station) {
  return html`${bar(tickets.filter(isOpen), station)}
    <div class="station-body">
      <section class="station-main" aria-label=${station.shell.t("station.tickets")}>${content(places, station)}</section>
      ${drawer(tickets, station)}
    </div>`;
}

/**
 * @param {Place[]} places
 * @param {Station} station
 */
function content(places, station) {
  const { t } = station.shell;
  if (
    !places.length &&
    !station.store.isComplete &&
    station.departments.some((name) => !station.store.menus.has(name))
  ) {
    return loadingState(t, 6);
  }
  if (!places.length && !station.isCurrent) {
    return html`<div class="empty is-unknown">${icon("offline")}<p>${t("station.unknown")}</p><p class="empty-hint">${t("station.unknown_hint")}</p></div>`;
  }
  if (!places.length) {
    return html`<div class="empty">${icon("done")}<p>${t("station.empty")}</p><p class="empty-hint">${t("station.empty_hint")}</p></div>`;
  }
  let index = 0;
  return html`<ol class="tickets">${repeat(
    places,
    ({ key }) => key,
    (place) => card(place, place.until === null ? index++ : -1, station),
  )}</ol>`;
}

/**
 * The button that says how many cards are below the screen's edge.
 *
 * @param {number} below
 * @param {Station} station
 */
export function moreBelow(below, station) {
  if (!below) return nothing;
  const scroll = () => {
    const scroller = document.querySelector(".station-main");
    scroller?.scrollBy({ top: scroller.clientHeight * 0.8, behavior: "smooth" });
  };
  return html`<button class="below" @click=${scroll}>${icon("chevron")}${station.shell.t("station.below", { count: below })}</button>`;
}
