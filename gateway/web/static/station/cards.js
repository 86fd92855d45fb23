/** The cards of a station. */

import { NEXT } from "../moves/moves.js";
import { emptyState } from "../ui/states.js";
import { titleIn } from "../ui/texts.js";
import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing } from "../vendor/lit/lit-html.js";

/** @import { Ticket, TicketLine } from "../live/states.js" */
/** @import { Store } from "../live/store.js" */
/** @import { Moves } from "../moves/moves.js" */
/** @import { Shell } from "../shell.js" */

/** @typedef {{shell: Shell, store: Store, moves: Moves}} Parts */

/**
 * @param {Ticket[]} tickets
 * @param {Parts} parts
 */
export function cards(tickets, parts) {
  if (!tickets.length) return emptyState("done", parts.shell.t("station.empty"));
  return html`<ol class="cards">
    ${repeat(
      tickets,
      (ticket) => ticket.order_id,
      (ticket) => card(ticket, parts),
    )}
  </ol>`;
}

/**
 * @param {Ticket} ticket
 * @param {Parts} parts
 */
function card(ticket, parts) {
  const { shell, store, moves } = parts;
  const { t, formats } = shell;
  const verb = NEXT[ticket.state];
  const age = store.clock.now() - Date.parse(ticket.placed_at ?? "");
  return html`<li class="card ticket" data-order=${ticket.order_id} data-state=${ticket.state}>
    <p class="ticket-head"><strong class="ticket-number">${ticket.number}</strong>
      <span>${ticket.table ? t("station.table", { table: ticket.table }) : nothing}</span> <span>${formats.age(age)}</span></p>
    <p class="tag">${t(`state.${ticket.state}`)}</p>
    <ul class="ticket-lines">${ticket.lines.map((line) => lineOf(ticket, line, parts))}</ul>
    ${verb ? html`<button class="button primary large" @click=${() => moves.move(ticket, verb)}>${t(`verb.${verb}`)}</button>` : nothing}
  </li>`;
}

/**
 * @param {Ticket} ticket
 * @param {TicketLine} line
 * @param {Parts} parts
 */
function lineOf(ticket, line, { shell, store }) {
  const titles = store.menus.get(ticket.department)?.items.find((item) => item.id === line.item)?.titles ?? {};
  return html`<li class="ticket-line"><span class="quantity">${line.quantity}×</span>
    ${titleIn(titles, shell.page.language, line.item)}
    ${line.allergy ? html`<strong class="allergy">${shell.t("station.allergy")}</strong>` : nothing}
    ${line.note ? html`<span class="note">${line.note}</span>` : nothing}</li>`;
}
