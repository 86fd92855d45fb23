/** The dialog of a ticket: who did what and when, one step back, cancel. */

import { printOnly } from "../device/print.js";
import { keyOf } from "../live/tickets.js";
import { openDialog } from "../ui/dialog.js";
import { icon } from "../ui/icon.js";
import { html, nothing } from "../vendor/lit/lit-html.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { Station } from "./station.js" */

const BACK = new Set(["preparing", "ready"]);
const CANCELLABLE = new Set(["queued", "preparing"]);
const REASONS = ["none_left", "guest", "mistake"];

/**
 * @param {Ticket} ticket
 * @param {Station} station
 */
export function openMore(ticket, station) {
  const { shell, steps } = station;
  const { t } = shell;
  const title = ticket.number === null ? t("station.counter") : t("station.ticket", { number: ticket.number });
  const dialog = openDialog(title, content(), t);
  /** @param {() => void} act */
  function closing(act) {
    return () => {
      dialog.close();
      act();
    };
  }
  function content() {
    const mayBack = BACK.has(ticket.state) && steps.may("recall");
    const mayCancel = CANCELLABLE.has(ticket.state) && steps.may("cancel");
    const reason = (/** @type {string} */ name) =>
      html`<button class="button danger large" @click=${closing(() => steps.cancel(ticket, t(`station.reason_${name}`)))}>${t(`station.reason_${name}`)}</button>`;
    return html`<dl class="more-times">${times(ticket, station)}</dl>
      ${mayBack ? html`<button class="button large" @click=${closing(() => steps.back(ticket))}>${icon("undo")}${t("station.back")}</button>` : nothing}
      <button class="button large" @click=${closing(() => printCard(ticket))}>${icon("printer")}${t("station.print")}</button>
      ${
        mayCancel
          ? html`<details class="more-cancel"><summary class="button large quiet">${icon("ban")}${t("station.cancel")}</summary>
          <p class="hint">${t("station.cancel_hint")}</p><div class="more-reasons">${REASONS.map(reason)}</div></details>`
          : nothing
      }`;
  }
}

/** @param {Ticket} ticket */
function printCard(ticket) {
  const card = document.querySelector(`.tickets > li[data-key="${keyOf(ticket)}"]`);
  if (card) printOnly(card);
}

/**
 * @param {Ticket} ticket
 * @param {Station} station
 */
function times(ticket, { shell }) {
  const { t, formats } = shell;
  const rows = /** @type {[string, string | null][]} */ ([
    ["station.placed", ticket.placed_at],
    ["state.preparing", ticket.started_at],
    ["state.ready", ticket.ready_at],
  ]);
  const moved = ticket.moved_by ? html`<dt>${t("station.moved_by")}</dt><dd>${ticket.moved_by}</dd>` : nothing;
  return html`${rows.map(([key, at]) => (at ? html`<dt>${t(key)}</dt><dd>${formats.time(Date.parse(at))}</dd>` : nothing))}${moved}`;
}
