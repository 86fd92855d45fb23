/** Few numbers, large. */

import { icon } from "../ui/icon.js";
import { html, nothing } from "../vendor/lit/lit-html.js";

/** @import { Office } from "./office.js" */

/** From how many characters on a value is written smaller. */
const LONG = 8;

/**
 * @param {string} id
 * @param {string} label
 * @param {string} value
 * @param {unknown} [detail]
 * @param {"" | "bad" | "warn"} [kind]
 */
export const tile = (id, label, value, detail = nothing, kind = "") =>
  html`<div class="tile ${kind}" id="tile-${id}"><dt>${kind ? icon("alert") : nothing}${label}</dt>
    <dd><span class="tile-value ${value.length > LONG ? "long" : ""}">${value}</span>${detail === nothing ? nothing : html`<span class="tile-detail">${detail}</span>`}</dd></div>`;

/** @param {unknown[]} each */
export const tiles = (each) => html`<dl class="tiles">${each}</dl>`;

/**
 * Say how many orders are in no figure.
 *
 * @param {Office} office
 * @param {number} count
 */
export const leftOut = ({ shell }, count) =>
  count ? html`<p class="alert" role="status">${shell.t("office.left_out", { count })}</p>` : nothing;
