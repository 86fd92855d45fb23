/** The card of a table: its departments, what is missing of each, what is ready, what is late; one button serves. */

import { dishesOf, levelOf, standingOf } from "../live/tickets.js";
import { icon } from "../ui/icon.js";
import { kept } from "../ui/kept.js";
import { html, nothing } from "../vendor/lit/lit-html.js";

/** @import { Ticket, TicketLine } from "../live/states.js" */
/** @import { Place } from "./cards.js" */
/** @import { Pass } from "./view.js" */

/**
 * Return the card of a place, made anew only where something of it has changed.
 *
 * @param {Place} place
 * @param {Pass} pass
 */
export function card(place, pass) {
  const { store } = pass;
  const { until, value: table } = place;
  const now = store.clock.now();
  const minutes = Math.trunc(Math.max(0, now - Date.parse(table.placedAt)) / 60_000);
  const menus = table.tickets.map(({ department }) => store.menus.get(department));
  const levels = table.tickets.map((ticket, index) => levelOf(ticket, now, menus[index])).join();
  const of = [until !== null, minutes, levels, ...menus, ...table.tickets];
  return kept(of, () => cardOf(place, minutes, pass));
}

/**
 * @param {Place} place
 * @param {number} minutes since the table's oldest order
 * @param {Pass} pass
 */
function cardOf({ key, value: table, until }, minutes, pass) {
  const { shell, serving } = pass;
  const { t } = shell;
  const { ready, making } = table;
  const name = table.name
    ? t("tables.table", { table: table.name })
    : table.number === null
      ? t("tables.counter")
      : t("tables.number", { number: table.number });
  const numbers = [...new Set(table.tickets.flatMap(({ number }) => number ?? []))];
  const isWhole = !making.length;
  return html`<li class="pass-card ${isWhole ? "is-whole" : ""} ${until === null ? "" : "is-leaving"}" data-key=${key} data-level=${table.level}
    ?inert=${until !== null} aria-label=${name}>
    <div class="pass-head"><h2 class="pass-table">${name}</h2>
      <p class="pass-age">${t("tables.minutes", { count: minutes })}${table.late.length ? html` <strong>${t("tables.is_late")}</strong>` : nothing}</p></div>
    <p class="pass-sum">${isWhole ? html`<strong class="is-whole">${icon("done")}${t("pass.all_ready")}</strong>` : html`<span>${t("pass.missing", { count: dishesOf(making) })}</span>`}
      ${ready.length && !isWhole ? html`<span class="is-ready">${t("pass.dishes_ready", { count: dishesOf(ready) })}</span>` : nothing}
      ${table.name && numbers.length ? html`<span class="pass-numbers">${numbers.join(", ")}</span>` : nothing}</p>
    ${table.tickets.map((ticket) => part(ticket, pass))}
    ${
      ready.length
        ? html`<div class="pass-foot"><button class="button large serve ${isWhole ? "primary" : ""}" @click=${() => serving.serve(ready, name)}>${icon("check")}${isWhole ? t("pass.serve_all") : t("pass.serve_ready", { count: ready.length })}</button></div>`
        : nothing
    }</li>`;
}

/**
 * @param {Ticket & {isPending?: boolean}} ticket
 * @param {Pass} pass
 */
function part(ticket, { shell, store, titles }) {
  const { t, formats } = shell;
  const { state } = ticket;
  const level = state === "ready" ? "" : levelOf(ticket, store.clock.now(), store.menus.get(ticket.department));
  const since = state === "ready" ? ticket.ready_at : null;
  return html`<section class="part" data-department=${ticket.department} data-state=${state} data-level=${level}>
    <h3 class="part-head"><span class="part-title">${titles.department(ticket.department)}</span>
      <span class="part-state">${state === "ready" ? icon("check") : nothing}${level ? html`<strong class="part-late">${icon("clock")}${t("tables.is_late")}</strong>` : nothing}
        <span>${t(`state.${state}`)}${since ? html` <time>${formats.time(Date.parse(since))}</time>` : nothing}</span></span></h3>
    <ul class="part-lines">${standingOf(ticket).map(({ line }) => lineOf(ticket, line))}</ul></section>`;

  /**
   * @param {Ticket} of
   * @param {TicketLine} line
   */
  function lineOf(of, line) {
    return html`<li class="part-line" data-item=${line.item} data-made=${line.made}>
      <span class="part-quantity">${formats.number(line.quantity)} ×</span>
      <div><p>${titles.item(of.department, line.item)}${line.made && state !== "ready" ? html` <span class="made">${icon("check")}<span class="visually-hidden">${t("tables.made")}</span></span>` : nothing}</p>
        ${line.allergy ? html`<p class="part-allergy">${icon("alert")}${t("tables.allergy")}</p>` : nothing}
        ${line.note ? html`<p class="part-note">${line.note}</p>` : nothing}</div></li>`;
  }
}
