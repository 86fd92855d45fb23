/** What the keys of the bump bar do at a station, and where the focus goes after a tap by keyboard. */

import { startKeys } from "./keys.js";
import { cards, focusMain, followMain, pickedCard } from "./picking.js";

/** @import { Station } from "./station.js" */

/** @param {Station} station */
export function startBumpBar(station) {
  startKeys({
    pick: (index) => pick(index, station),
    first: () => pick(0, station),
    recall: () => recall(station),
    none: () => none(station),
  });
  document.addEventListener("click", (event) => {
    if (event.detail !== 0 || !(event.target instanceof Element) || !event.target.closest("[data-main]")) return;
    const card = event.target.closest(".tickets > li");
    requestAnimationFrame(() => requestAnimationFrame(() => followMain(card)));
  });
}

/**
 * @param {number} index
 * @param {Station} station
 */
function pick(index, station) {
  const closed = document.querySelectorAll(/** @type {"button"} */ (".closed-recall"));
  if (station.drawer === "recall" && closed.length) closed[index]?.focus();
  else if (cards()[index]) focusMain(cards()[index]);
}

/** A picked card goes back; else the last step; else the drawer opens. @param {Station} station */
function recall(station) {
  const picked = pickedCard()?.dataset.key ?? "";
  const ticket = station.store.tickets.get(picked);
  const shown = ticket && station.moves.shown(ticket);
  if (shown && (shown.state === "preparing" || shown.state === "ready")) station.steps.back(shown);
  else if (!station.undo.undo()) station.openDrawer(station.drawer === "recall" ? null : "recall");
}

/** @param {Station} station */
function none(station) {
  if (station.drawer) station.openDrawer(null);
  else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}
