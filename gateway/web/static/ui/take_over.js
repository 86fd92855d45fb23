/** Replaces what the server rendered by what modules render, in one step. */

import { render } from "../vendor/lit/lit-html.js";

/** @type {WeakSet<Element>} */
const taken = new WeakSet();

/**
 * Render into an element; the first time what the server put there leaves at the same moment.
 *
 * @param {unknown} template
 * @param {HTMLElement} place
 */
export function renderInto(template, place) {
  if (!taken.has(place)) {
    taken.add(place);
    place.replaceChildren();
  }
  render(template, place);
}

/**
 * Return an element of the document; throws where there is none.
 *
 * @param {string} id
 */
export function elementOf(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the document has no element ${id}`);
  return found;
}
