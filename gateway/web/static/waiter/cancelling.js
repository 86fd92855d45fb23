/** The dialog that asks why a ticket is cancelled: the guest and the station see the reason. */

import { linesOf } from "../live/tickets.js";
import { openDialog } from "../ui/dialog.js";
import { html } from "../vendor/lit/lit-html.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { Waiter } from "./waiter.js" */

const REASONS = ["guest", "mistake", "none_left"];
const LONGEST = 200;

/**
 * @param {Ticket} ticket
 * @param {string} name of the table
 * @param {Waiter} waiter
 */
export function askWhy(ticket, name, waiter) {
  const { t, formats } = waiter.shell;
  const { titles } = waiter;
  const dishes = linesOf(ticket).map(
    ({ line }) =>
      html`<li><strong>${formats.number(line.quantity)} ×</strong> ${titles.item(ticket.department, line.item)}</li>`,
  );
  const act = (/** @type {string} */ reason) => {
    dialog.close();
    waiter.cancel(ticket, reason);
  };
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const reason = new FormData(/** @type {HTMLFormElement} */ (event.target)).get("reason");
    if (typeof reason === "string" && reason.trim()) act(reason.trim());
  };
  const title = t("waiter.cancel_title", { department: titles.department(ticket.department), name });
  const dialog = openDialog(
    title,
    html`<ul class="cancel-dishes">${dishes}</ul>
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
