/** The dialog of a ticket: who did what and when, one step back, cancel it or one of its lines. */

import { printOnly } from "../device/print.js";
import { keyOf, standingOf } from "../live/tickets.js";
import { openDialog } from "../ui/dialog.js";
import { icon } from "../ui/icon.js";
import { html, nothing } from "../vendor/lit/lit-html.js";

/** @import { Ticket, TicketLine } from "../live/states.js" */
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
  const dialog = openDialog(titleOf(ticket, station), content(), t);
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
    const standing = standingOf(ticket);
    const act = (/** @type {string} */ reason) => closing(() => steps.cancel(ticket, reason))();
    return html`<dl class="more-times">${times(ticket, station)}</dl>
      ${mayBack ? html`<button class="button large" @click=${closing(() => steps.back(ticket))}>${icon("undo")}${t("station.back")}</button>` : nothing}
      <button class="button large" @click=${closing(() => printCard(ticket))}>${icon("printer")}${t("station.print")}</button>
      ${
        mayCancel && standing.length > 1
          ? html`<details class="more-cancel" name="cancel"><summary class="button large quiet">${icon("x")}${t("station.cancel_line")}</summary>
          <div class="more-reasons">${standing.map(
            ({ line, place }) =>
              html`<button class="button large more-line" @click=${closing(() => openLineCancel(ticket, place, station))}><strong>${shell.formats.number(line.quantity)} ×</strong> <span>${station.itemTitle(ticket.department, line.item)}${line.note ? html`<span class="more-note">${line.note}</span>` : nothing}</span></button>`,
          )}</div></details>`
          : nothing
      }
      ${
        mayCancel
          ? html`<details class="more-cancel" name="cancel"><summary class="button large quiet">${icon("ban")}${t("station.cancel")}</summary>
          ${reasons(ticket, act, station)}</details>`
          : nothing
      }`;
  }
}

/**
 * Ask why one line is cancelled.
 *
 * @param {Ticket} ticket
 * @param {number} place of the line
 * @param {Station} station
 */
function openLineCancel(ticket, place, station) {
  const { t } = station.shell;
  const act = (/** @type {string} */ reason) => {
    dialog.close();
    station.steps.cancel(ticket, reason, place);
  };
  const line = ticket.lines[place];
  const values = { dish: dishOf(ticket, line, station), ticket: titleOf(ticket, station) };
  const note = line.note ? html`<p class="more-note">${line.note}</p>` : nothing;
  const content = html`${note}<div>${reasons(ticket, act, station)}</div>`;
  const dialog = openDialog(t("station.cancel_line_title", values), content, t);
}

/**
 * The reasons to choose one of.
 *
 * @param {Ticket} ticket
 * @param {(reason: string) => void} act
 * @param {Station} station
 */
function reasons(ticket, act, { shell: { t } }) {
  return html`${ticket.state === "preparing" ? html`<p class="more-begun">${icon("alert")}${t("station.cancel_begun")}</p>` : nothing}
    <p class="hint">${t("station.cancel_hint")}</p><div class="more-reasons">${REASONS.map((name) => {
      const reason = t(`station.reason_${name}`);
      return html`<button class="button danger large" @click=${() => act(reason)}>${reason}</button>`;
    })}</div>`;
}

/**
 * @param {Ticket} ticket
 * @param {Station} station
 */
const titleOf = ({ number }, { shell: { t } }) =>
  number === null ? t("station.counter") : t("station.ticket", { number });

/**
 * @param {Ticket} ticket
 * @param {TicketLine} line
 * @param {Station} station
 */
export const dishOf = ({ department }, { item, quantity }, { shell, itemTitle }) =>
  `${shell.formats.number(quantity)}\u00a0×\u00a0${itemTitle(department, item)}`;

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
