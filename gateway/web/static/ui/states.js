/** What a place shows when it has nothing, not yet, or not any more. */

import { html, nothing } from "../vendor/lit/lit-html.js";
import { icon } from "./icon.js";

/** @import { Translate } from "./texts.js" */

/**
 * Nothing is there, which is fine.
 *
 * @param {string} name of an icon
 * @param {string} text
 */
export const emptyState = (name, text) => html`<div class="empty">${icon(name)}<p>${text}</p></div>`;

/**
 * It is on its way: grey lines where it will be.
 *
 * @param {Translate} t
 * @param {number} lines
 */
export const loadingState = (t, lines = 3) =>
  html`<div class="loading" role="status"><span class="visually-hidden">${t("ui.loading")}</span>
    ${Array.from({ length: lines }, () => html`<div class="skeleton"></div>`)}</div>`;

/**
 * It could not be had, with a button that tries again.
 *
 * @param {Translate} t
 * @param {string} text
 * @param {() => void} [again]
 */
export const errorState = (t, text, again) =>
  html`<div class="empty" role="alert">${icon("alert")}<p>${text}</p>
    ${again ? html`<button class="button" @click=${again}>${t("ui.again")}</button>` : nothing}</div>`;
