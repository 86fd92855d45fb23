/** The drawers at the side: all-day counts, recall, the screen. Stock is stock.js. */

import { canFullScreen, isFullScreen } from "../device/full_screen.js";
import { allDay, isCancelled, keyOf, lastClosed, linesOf } from "../live/tickets.js";
import { icon } from "../ui/icon.js";
import { emptyState } from "../ui/states.js";
import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { stock } from "./stock.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { DrawerName, Station } from "./station.js" */

/** @type {Record<DrawerName, (tickets: Ticket[], station: Station) => unknown>} */
const CONTENTS = { counts, recall, stock: (_, station) => stock(station), screen: (_, station) => screen(station) };

/**
 * @param {Ticket[]} tickets all of the station
 * @param {Station} station
 */
export function drawer(tickets, station) {
  const name = station.drawer;
  if (!name) return nothing;
  const { t } = station.shell;
  const title = t(`station.drawer_${name}`);
  return html`<aside class="drawer" data-name=${name} aria-label=${title}>
    <div class="drawer-head"><h2>${title}</h2>
      <button class="button quiet round" aria-label=${t("ui.close")} @click=${() => station.openDrawer(null)}>${icon("x")}</button></div>
    <div class="drawer-content">${CONTENTS[name](tickets, station)}</div>
  </aside>`;
}

/**
 * @param {Ticket[]} tickets
 * @param {Station} station
 */
function counts(tickets, station) {
  const { t, formats } = station.shell;
  const rows = allDay(tickets);
  if (!rows.length) return emptyState("done", t("station.no_counts"));
  return html`<ul class="counts">${rows.map(
    (row) => html`<li class="count" data-item=${row.item}><strong>${formats.number(row.quantity)}</strong>
      <span class="count-title">${station.itemTitle(row.department, row.item)}</span>
      ${row.waiting ? html`<span class="count-waiting">${t("station.not_begun", { count: row.waiting })}</span>` : nothing}</li>`,
  )}</ul>`;
}

/**
 * @param {Ticket[]} tickets
 * @param {Station} station
 */
function recall(tickets, station) {
  const { t } = station.shell;
  const closed = lastClosed(tickets);
  if (!closed.length) return emptyState("history", t("station.no_recall"));
  return html`<ol class="closed">${repeat(closed, keyOf, (ticket) => closedTicket(ticket, station))}</ol>`;
}

/**
 * @param {Ticket} ticket
 * @param {Station} station
 */
function closedTicket(ticket, station) {
  const { t, formats } = station.shell;
  const at = Date.parse(ticket.served_at ?? ticket.cancelled_at ?? "");
  const isGone = ticket.state === "cancelled";
  const dishes = linesOf(ticket).map(({ line }, index) => {
    const dish = `${line.quantity} × ${station.itemTitle(ticket.department, line.item)}`;
    return html`${index ? ", " : ""}${isCancelled(line) && !isGone ? html`<s>${dish}</s>` : dish}`;
  });
  return html`<li class="closed-ticket" data-order=${ticket.order_id} data-state=${ticket.state}>
    <p class="closed-head"><strong>${ticket.number ?? t("station.counter")}</strong>
      ${ticket.table ? html`<span>${t("station.table", { table: ticket.table })}</span>` : nothing}
      <span class="closed-time">${t(`state.${ticket.state}`)} ${at ? formats.time(at) : ""}</span></p>
    <p class="closed-lines">${dishes}</p>
    ${isGone || !station.steps.may("recall") ? nothing : html`<button class="button closed-recall" @click=${() => station.recall(ticket)}>${icon("undo")}${t("verb.recall")}</button>`}
  </li>`;
}

/** @param {Station} station */
function screen(station) {
  const { t } = station.shell;
  const size = (/** @type {string} */ name) =>
    html`<button class="segment" aria-pressed=${station.size === name} @click=${() => station.setSize(name)}>${t(`station.size_${name}`)}</button>`;
  const wake = station.wakeLock.state;
  return html`<div class="screen-settings">
    <p class="menu-title" id="size-title">${t("station.size")}</p>
    <div class="segments" role="group" aria-labelledby="size-title">${["small", "medium", "large"].map(size)}</div>
    ${canFullScreen() ? html`<button class="button" @click=${() => station.toggleFullScreen()}>${icon("full-screen")}${t(isFullScreen() ? "station.leave_full_screen" : "station.full_screen")}</button>` : nothing}
    <button class="button" @click=${() => station.toggleHeader()}>${icon("screen")}${t(station.isBare ? "station.show_header" : "station.hide_header")}</button>
    <p class="hint">${t(wake === "on" ? "station.wake_on" : wake === "missing" ? "station.wake_missing" : "station.wake_off")}</p>
    <h3>${t("station.keys")}</h3>
    <dl class="keys"><dt><kbd>1</kbd>–<kbd>9</kbd></dt><dd>${t("station.key_pick")}</dd>
      <dt><kbd>Enter</kbd></dt><dd>${t("station.key_next")}</dd>
      <dt><kbd>R</kbd> <kbd>-</kbd></dt><dd>${t("station.key_recall")}</dd>
      <dt><kbd>0</kbd> <kbd>Esc</kbd></dt><dd>${t("station.key_none")}</dd></dl>
  </div>`;
}
