/** Icons of the sprite `icons.svg`. */

import { readPage } from "../page.js";
import { html } from "../vendor/lit/lit-html.js";

/** @type {string | undefined} */
let sprite;

/**
 * Return an icon; it is decoration, so text stands beside it or its button has a label.
 *
 * @param {string} name the id of a symbol in icons.svg
 */
export function icon(name) {
  sprite ??= `${readPage().static}icons.svg`;
  return html`<svg class="icon" aria-hidden="true"><use href=${`${sprite}#${name}`}></use></svg>`;
}
