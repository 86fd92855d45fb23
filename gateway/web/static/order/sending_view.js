/** An order that is on its way, and why it has not arrived yet. */

import { html, nothing } from "../vendor/lit/lit-html.js";

/** @import { App } from "./app.js" */
/** @import { Attempt } from "./draft.js" */

/**
 * @param {Attempt} attempt
 * @param {App} app
 */
export function sending(attempt, app) {
  const { t } = app.shell;
  const { why } = app.placing;
  const title =
    attempt.goal === "withdraw"
      ? t("order.taking_back")
      : attempt.goal === "find"
        ? t("order.looking")
        : t("order.sending");
  return html`<div class="sending" role="status">
    <p class="sending-title"><span class="spinner" aria-hidden="true"></span>${title}</p>
    <p>${attempt.goal !== "place" ? t("order.certain_soon") : why ? t(`why.${why}`) : t("order.sending_text")}</p>
    ${
      why
        ? html`<div class="sending-actions"><button type="button" class="button" @click=${() => app.placing.again()}>${t("ui.again")}</button>
            ${
              attempt.goal === "place"
                ? html`<button type="button" class="button quiet" @click=${() => app.placing.withdraw()}>${t("order.do_not_order")}</button>`
                : nothing
            }</div>`
        : nothing
    }</div>`;
}
