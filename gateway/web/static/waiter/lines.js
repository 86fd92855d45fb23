/** The lines of a department's part of an order: what stands, with a button that cancels it alone, and what was cancelled. */

import { isCancelled, linesOf, standingOf } from "../live/tickets.js";
import { icon } from "../ui/icon.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { askWhy } from "./cancelling.js";

/** @import { Ticket, TicketLine } from "../live/states.js" */
/** @import { Waiter } from "./waiter.js" */

/**
 * @param {Ticket} ticket
 * @param {string} name of the table
 * @param {Waiter} waiter
 */
export function lines(ticket, name, waiter) {
  const { formats } = waiter.shell;
  const mayCancel = waiter.cancels.has(ticket.state) && standingOf(ticket).length > 1; // the last one's is the ticket's
  return linesOf(ticket).map(({ line, place }) => {
    const isGone = isCancelled(line);
    return html`<li class="part-line ${isGone ? "is-cancelled" : ""}" data-item=${line.item} data-place=${place} data-made=${line.made} tabindex="-1">
      <span class="part-quantity">${formats.number(line.quantity)} ×</span>
      ${isGone ? cancelled(ticket, line, waiter) : standing(ticket, line, waiter)}
      ${mayCancel && !isGone ? cancel(ticket, place, name, waiter) : nothing}</li>`;
  });
}

/**
 * @param {Ticket} ticket
 * @param {TicketLine} line
 * @param {Waiter} waiter
 */
function standing(ticket, line, { shell: { t }, titles }) {
  return html`<div><p>${titles.item(ticket.department, line.item)}${line.made && ticket.state !== "served" ? html` <span class="made">${icon("check")}<span class="visually-hidden">${t("tables.made")}</span></span>` : nothing}</p>
    ${line.allergy ? html`<p class="part-allergy">${icon("alert")}${t("tables.allergy")}</p>` : nothing}
    ${line.note ? html`<p class="part-note">${line.note}</p>` : nothing}</div>`;
}

/**
 * A line that is not made any more: neither its note nor its allergy matters.
 *
 * @param {Ticket} ticket
 * @param {TicketLine} line
 * @param {Waiter} waiter
 */
function cancelled(ticket, { item, cancel_reason }, { shell: { t }, titles }) {
  return html`<div><p><s>${titles.item(ticket.department, item)}</s></p>
    <p class="line-cancelled">${icon("ban")}<span>${t("tables.line_cancelled")}${cancel_reason ? html` <q>${cancel_reason}</q>` : nothing}</span></p></div>`;
}

/**
 * @param {Ticket} ticket
 * @param {number} place of the line
 * @param {string} name of the table
 * @param {Waiter} waiter
 */
function cancel(ticket, place, name, waiter) {
  const line = ticket.lines[place];
  const dish = waiter.titles.dish(ticket.department, line);
  const label = `${waiter.shell.t("waiter.cancel")}: ${line.note ? `${dish}, ${line.note}` : dish}`; // two may be of one item
  return html`<button class="button quiet round line-cancel" aria-haspopup="dialog" aria-label=${label} @click=${() => askWhy(ticket, name, waiter, place)}>${icon("x")}</button>`;
}
