/** Picks cards: what is picked has the focus, so Enter is the browser's own. */

/** Return the cards, in their order; without those that leave. @returns {HTMLElement[]} */
export const cards = () => [...document.querySelectorAll(/** @type {"li"} */ (".tickets > li:not([inert])"))];

/**
 * Give the focus to what is to be tapped next on a card: an allergy, or the next step.
 *
 * @param {HTMLElement} card
 */
export function focusMain(card) {
  const main = card.querySelector(/** @type {"button"} */ ("[data-main]"));
  (main ?? card).focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

/** Return the card after a card, or before it. @param {Element} card @returns {HTMLElement | undefined} */
export function nextCard(card) {
  const all = cards();
  const index = all.indexOf(/** @type {HTMLElement} */ (card));
  return all[index + 1] ?? all[index - 1];
}

/** Return the card that has the focus. */
export function pickedCard() {
  return /** @type {HTMLElement | null | undefined} */ (document.activeElement?.closest(".tickets > li"));
}

/**
 * After a tap by keyboard on a card, go to what comes next there, where the button that had the focus has done its part.
 *
 * @param {Element | null} card
 */
export function followMain(card) {
  if (card instanceof HTMLElement && !document.activeElement?.matches("[data-main]")) focusMain(card);
}

/** Give the focus to the button of a drawer, which was closed. @param {string} drawer */
export function focusTool(drawer) {
  /** @type {HTMLElement | null} */ (document.querySelector(`.tool[data-drawer="${drawer}"]`))?.focus();
}
