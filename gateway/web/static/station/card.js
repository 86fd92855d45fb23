/** The card of a ticket. */

import { ageOf, isOpen, levelOf } from "../live/tickets.js";
import { icon } from "../ui/icon.js";
import { kept } from "../ui/kept.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { lines } from "./lines.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { Place } from "./board.js" */
/** @import { Station } from "./station.js" */

const PICKED_BY_KEY = 9;

/** How exact an age is, in milliseconds: all cards change at once, and those that nobody sees less often. */
const SECOND = 1000;
const WHILE = 15 * SECOND;

/**
 * Return the card of a place, made anew only where something of it has changed.
 *
 * @param {Place} place
 * @param {number} index counted from 0
 * @param {Station} station
 */
export function card(place, index, station) {
  const { shell, store, arrivals, moves, notices, steps } = station;
  const { key, until, value: ticket } = place;
  const exact = place.isFar ? WHILE : SECOND;
  const now = Math.trunc(store.clock.now() / exact) * exact;
  const menu = store.menus.get(ticket.department);
  const level = levelOf(ticket, now, menu);
  const age = shell.formats.age(ageOf(ticket, now));
  const pick = until === null && index < PICKED_BY_KEY ? String(index + 1) : "";
  const fresh = arrivals.classesOf(key, store.clock.elapsed());
  const isWaiting = moves.later.has(ticket.department);
  const of = [ticket, until !== null, pick, level, age, fresh, isWaiting, menu, notices.get(key), steps.confirmed.keys];
  return kept(of, () => cardOf(place, { level, age, pick, fresh }, station));
}

/**
 * @param {Place} place
 * @param {{level: string, age: string, pick: string, fresh: string}} now
 * @param {Station} station
 */
function cardOf(place, { level, age, pick, fresh }, station) {
  const { shell, steps } = station;
  const { t } = shell;
  const { value: ticket } = place;
  const isLeaving = place.until !== null;
  const classes = ["ticket", level && `is-${level}`, fresh, isLeaving && "is-leaving"];
  const label = ticket.number === null ? t("station.counter") : t("station.ticket", { number: ticket.number });
  return html`<li class=${classes.filter(Boolean).join(" ")} data-key=${place.key} data-order=${ticket.order_id}
    data-state=${ticket.state} tabindex="-1" ?inert=${isLeaving} aria-label=${label}>
    <div class="ticket-head">
      <strong class="ticket-number">${ticket.number ?? t("station.counter")}</strong>
      ${ticket.table ? html`<span class="ticket-table">${t("station.table", { table: ticket.table })}</span>` : nothing}
      <span class="ticket-age" data-level=${level}>${age}${level ? html`<span class="ticket-late">${t(`station.${level === "late" ? "late" : "very_late"}`)}</span>` : nothing}</span>
    </div>
    <div class="ticket-sub">
      ${station.departments.length > 1 ? html`<span class="ticket-department">${station.titleOf(ticket.department)}</span>` : nothing}
      ${stateOf(ticket, station)}
      ${pick ? html`<kbd class="ticket-key" aria-hidden="true">${pick}</kbd>` : nothing}
      <button class="ticket-more" aria-label=${`${t("station.more")}: ${label}`} @click=${() => station.openMore(place.key)}>${icon("ellipsis")}</button>
    </div>
    ${noticeOf(place.key, station)}
    <ul class="ticket-lines">${lines(ticket, station)}</ul>
    <div class="ticket-foot">${foot(ticket, steps.unconfirmed(ticket).length > 0, station)}</div>
  </li>`;
}

/**
 * @param {Ticket & {isPending?: boolean}} ticket
 * @param {Station} station
 */
function stateOf(ticket, { shell, moves }) {
  const text = shell.t(`state.${ticket.state}`);
  const waits = ticket.isPending && moves.later.has(ticket.department);
  const by = ticket.moved_by && isOpen(ticket) && ticket.state !== "queued" ? ticket.moved_by : "";
  return html`<span class="ticket-state">${ticket.state === "ready" ? icon("check") : nothing}${text}</span>
    <span class="ticket-by">${by}</span>
    ${waits ? html`<span class="ticket-waits">${icon("offline")}${shell.t("station.waits")}</span>` : nothing}`;
}

/**
 * @param {string} key
 * @param {Station} station
 */
function noticeOf(key, station) {
  const notice = station.notices.get(key);
  if (!notice) return nothing;
  return html`<button class="ticket-notice" @click=${() => station.forgetNotice(key)}>${icon("alert")}<span>${notice}</span>${icon("x")}</button>`;
}

/**
 * The one large button: the next step, or what has to be done before it.
 *
 * @param {Ticket} ticket
 * @param {boolean} isUnconfirmed
 * @param {Station} station
 */
function foot(ticket, isUnconfirmed, station) {
  const { t } = station.shell;
  if (ticket.state === "cancelled") {
    const reason = ticket.cancel_reason;
    return html`<p class="ticket-cancelled">${icon("ban")}<span>${t("station.cancelled")}${reason ? html` <q>${reason}</q>` : nothing}${ticket.moved_by ? html` <span class="ticket-by">${ticket.moved_by}</span>` : nothing}</span></p>
      <button class="step acknowledge" data-main @click=${() => station.acknowledge(ticket)}>${t("station.acknowledge")}</button>`;
  }
  if (ticket.state === "held")
    return html`<p class="ticket-held">${icon("clock")}<span>${t("station.held")}</span></p>`;
  const verb = station.steps.nextOf(ticket);
  if (!verb) return nothing;
  return html`<button class="step" data-verb=${verb} ?data-main=${!isUnconfirmed} aria-disabled=${isUnconfirmed ? "true" : nothing}
    @click=${(/** @type {Event} */ event) => station.next(ticket, event)}>${isUnconfirmed ? t("station.confirm_first") : t(`verb.${verb}`)}</button>`;
}
