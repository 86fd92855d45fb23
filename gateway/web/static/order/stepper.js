/** A quantity with a button on each side. */

import { icon } from "../ui/icon.js";
import { html } from "../vendor/lit/lit-html.js";

/** @import { Translate } from "../ui/texts.js" */

/**
 * @param {object} options
 * @param {Translate} options.t
 * @param {string} options.title of what is counted
 * @param {number} options.quantity
 * @param {boolean} options.canAdd
 * @param {boolean} [options.canRemove] true unless given
 * @param {() => void} options.add
 * @param {() => void} options.remove
 */
export const stepper = ({ t, title, quantity, canAdd, canRemove = true, add, remove }) => html`<div class="stepper"
    role="group" aria-label=${t("order.quantity_of", { title })}>
    <button type="button" class="button round" aria-label=${t("order.one_less", { title })} ?disabled=${!canRemove}
      @click=${remove}>${icon("minus")}</button>
    <span class="stepper-count" aria-hidden="true">${quantity}</span><span class="visually-hidden">${quantity}</span>
    <button type="button" class="button round" aria-label=${t("order.one_more", { title })} aria-disabled=${String(!canAdd)}
      @click=${() => canAdd && add()}>${icon("plus")}</button>
  </div>`;
