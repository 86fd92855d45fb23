/** The dialog that asks why a ticket, or one line of it, is cancelled: the guest and the station see the reason. */

import { standingOf } from "../live/tickets.js";
import { openDialog } from "../ui/dialog.js";
import { icon } from "../ui/icon.js";
import { html, nothing } from "../vendor/lit/lit-html.js";

/** @import { Ticket, TicketLine } from "../live/states.js" */
/** @import { Waiter } from "./waiter.js" */

const REASONS = ["guest", "mistake", "none_left"];
const LONGEST = 200;

/**
 * @param {Ticket} ticket
 * @param {string} name of the table
 * @param {Waiter} waiter
 * @param {number} [place] of the one line to cancel; without it, all of the ticket
 */
export function askWhy(ticket, name, waiter, place) {
  const { t, formats } = waiter.shell;
  const { titles } = waiter;
  const department = titles.department(ticket.department);
  const isOne = place !== undefined;
  const dishes = standingOf(ticket).map(
    ({ line }) =>
      html`<li><strong>${formats.number(line.quantity)} ×</strong> ${titles.item(ticket.department, line.item)}</li>`,
  );
  const act = (/** @type {string} */ reason) => {
    dialog.close();
    waiter.cancel(ticket, reason, place);
    if (isOne) focusLine(ticket, place);
  };
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const reason = new FormData(/** @type {HTMLFormElement} */ (event.target)).get("reason");
    if (typeof reason === "string" && reason.trim()) act(reason.trim());
  };
  const title = t("waiter.cancel_title", {
    what: isOne ? titles.dish(ticket.department, ticket.lines[place]) : department,
    name,
  });
  const dialog = openDialog(
    title,
    html`${isOne ? one(ticket.lines[place], department, waiter) : html`<ul class="cancel-dishes">${dishes}</ul>`}
      ${ticket.state === "preparing" ? html`<p class="cancel-begun">${icon("alert")}${t("waiter.cancel_begun")}</p>` : nothing}
      <p class="hint">${t("waiter.cancel_hint")}</p>
      <div class="cancel-reasons">${REASONS.map(
        (each) =>
          html`<button class="button danger large" @click=${() => act(t(`waiter.reason_${each}`))}>${t(`waiter.reason_${each}`)}</button>`,
      )}</div>
      <form class="cancel-other" @submit=${submit}><label class="field"><span>${t("waiter.other_reason")}</span>
        <input name="reason" maxlength=${LONGEST} autocomplete="off" required></label>
        <button class="button danger">${t("waiter.cancel_now")}</button></form>`,
    t,
  );
}

/**
 * What there is to say of one line: its note, by which the waiter knows it, and that it is not all.
 *
 * @param {TicketLine} line
 * @param {string} department in words
 * @param {Waiter} waiter
 */
function one({ note }, department, { shell: { t } }) {
  return html`${note ? html`<p class="cancel-note">${note}</p>` : nothing}<p>${t("waiter.cancel_rest", { department })}</p>`;
}

/**
 * Let the focus be where it was: the button that had it is gone with the line's cancel.
 *
 * @param {Ticket} ticket
 * @param {number} place
 */
function focusLine({ order_id, department }, place) {
  const part = `.bill[data-order="${order_id}"] .part[data-department="${department}"]`;
  /** @type {HTMLElement | null} */ (document.querySelector(`${part} [data-place="${place}"]`))?.focus({
    preventScroll: true,
  });
}
