/** The lines of a ticket: quantity and item, which a tap ticks off; the allergy's band; the note; or why it was cancelled. */

import { isCancelled, keyOf, linesOf } from "../live/tickets.js";
import { icon } from "../ui/icon.js";
import { html, nothing } from "../vendor/lit/lit-html.js";

/** @import { Ticket, TicketLine } from "../live/states.js" */
/** @import { Station } from "./station.js" */

const TICKABLE = new Set(["queued", "preparing", "ready"]);

/**
 * @param {Ticket} ticket
 * @param {Station} station
 */
export function lines(ticket, station) {
  return linesOf(ticket).map(({ line, place }) =>
    isCancelled(line)
      ? cancelled(ticket, line, station)
      : html`<li class="ticket-line" data-item=${line.item}>
      ${line.allergy ? band(ticket, place, station) : nothing}
      ${dish(ticket, line, place, station)}
      ${line.note ? html`<p class="ticket-note">${icon("note")}<span>${line.note}</span></p>` : nothing}
    </li>`,
  );
}

/**
 * A line that is not made any more, so that neither its allergy nor its note matters.
 *
 * @param {Ticket} ticket
 * @param {TicketLine} line
 * @param {Station} station
 */
function cancelled(ticket, line, station) {
  return html`<li class="ticket-line" data-item=${line.item}>
    <div class="ticket-dish is-cancelled">${content(ticket, line, station)}</div>
    <p class="line-cancelled">${icon("ban")}<span>${station.shell.t("station.line_cancelled")}${line.cancel_reason ? html` <q>${line.cancel_reason}</q>` : nothing}</span></p>
  </li>`;
}

/**
 * The red band, which has to be tapped before the start.
 *
 * @param {Ticket} ticket
 * @param {number} place
 * @param {Station} station
 */
function band(ticket, place, { shell, steps }) {
  const { t } = shell;
  if (ticket.state !== "queued" || !steps.may("start")) {
    return html`<p class="ticket-allergy">${icon("alert")}<strong>${t("station.allergy")}</strong></p>`;
  }
  const isConfirmed = steps.confirmed.has(`${keyOf(ticket)} ${place}`);
  return html`<button class="ticket-allergy" aria-pressed=${isConfirmed} ?data-main=${!isConfirmed}
    @click=${() => steps.confirm(ticket, place)}>${icon("alert")}<strong>${t("station.allergy")}</strong>
    <span class="ticket-allergy-hint">${isConfirmed ? html`${icon("check")}${t("station.confirmed")}` : t("station.confirm")}</span></button>`;
}

/**
 * @param {Ticket} ticket
 * @param {TicketLine} line
 * @param {number} place
 * @param {Station} station
 */
function dish(ticket, line, place, station) {
  const { moves, steps } = station;
  if (!TICKABLE.has(ticket.state) || !steps.may("start")) {
    return html`<div class="ticket-dish" data-made=${line.made}>${content(ticket, line, station)}</div>`;
  }
  return html`<button class="ticket-dish" role="checkbox" aria-checked=${line.made} data-made=${line.made}
    @click=${() => moves.tick(ticket, place, !line.made)}>${content(ticket, line, station)}<span class="ticket-tick">${icon("check")}</span></button>`;
}

/**
 * @param {Ticket} ticket
 * @param {TicketLine} line
 * @param {Station} station
 */
function content(ticket, line, { shell, itemTitle }) {
  return html`<span class="ticket-quantity">${shell.formats.number(line.quantity)}<span class="times">×</span></span>
    <span class="ticket-item">${itemTitle(ticket.department, line.item)}</span>`;
}
