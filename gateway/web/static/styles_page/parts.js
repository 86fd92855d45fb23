/** Cards, states and icons of the design system. */

import { icon } from "../ui/icon.js";
import { emptyState, errorState, loadingState } from "../ui/states.js";
import { html } from "../vendor/lit/lit-html.js";

/** @import { Translate } from "../ui/texts.js" */

const ICONS = [
  "check",
  "x",
  "plus",
  "minus",
  "search",
  "basket",
  "clock",
  "alert",
  "lock",
  "undo",
  "sound",
  "sound-off",
]
  .concat(["offline", "full-screen", "bell", "table", "note", "history", "ban", "chevron", "done", "trash", "printer"])
  .concat(["screen", "settings", "language"]);

/** @param {Translate} t */
export const cardsPart = (t) =>
  html`<div class="styles-columns">
    <div class="card styles-stack"><strong>217</strong><span><span class="tag">${t("state.queued")}</span>
      <span class="tag warn">${t("state.preparing")}</span> <span class="tag good">${t("state.ready")}</span>
      <span class="tag bad">${t("state.cancelled")}</span></span></div>
    <div class="card styles-stack"><span class="note">${t("styles.sample")}</span>
      <strong class="allergy">${icon("alert")}${t("styles.sample")}</strong>
      <p class="alert">${t("styles.sample")}</p><p class="hint">${t("styles.sample")}</p></div>
  </div>`;

/** @param {Translate} t */
export const statesPart = (t) =>
  html`<div class="styles-columns"><div class="card">${emptyState("done", t("styles.sample"))}</div>
    <div class="card">${loadingState(t)}</div>
    <div class="card">${errorState(t, t("styles.sample"), () => {})}</div></div>`;

export const iconsPart = () =>
  html`<ul class="styles-icons">${ICONS.map((name) => html`<li>${icon(name)}<code>${name}</code></li>`)}</ul>`;
