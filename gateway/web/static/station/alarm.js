/** Says that something is new, or was cancelled: a tone each, and a flash. */

/** @import { Ticket } from "../live/states.js" */
/** @import { Station } from "./station.js" */

const FLASH_MS = 1600;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * Look for news, and say it: also while nobody sees the page, where it draws nothing.
 *
 * @param {Station} station
 */
export function alarm(station) {
  const { store, sound, arrivals, departments } = station;
  const tickets = departments.flatMap((name) => store.ticketsOf(name));
  const { arrived, cancelled } = arrivals.look(tickets, store.clock.elapsed());
  if (cancelled.length) say("cancelled", cancelled, station);
  else if (arrived.length) say("ticket", arrived, station);
  if (cancelled.length) sound.play("cancelled");
  else if (arrived.length) sound.play("ticket");
}

/**
 * Flash the screen's edge, and tell a screen reader.
 *
 * @param {"cancelled" | "ticket"} kind
 * @param {Ticket[]} tickets
 * @param {Station} station
 */
function say(kind, tickets, { shell }) {
  document.documentElement.dataset.flash = kind;
  clearTimeout(timer);
  timer = setTimeout(() => delete document.documentElement.dataset.flash, FLASH_MS);
  const numbers = tickets.map(({ number }) => number ?? "").join(", ");
  const place = document.getElementById("station-news");
  if (place)
    place.textContent = shell.t(kind === "ticket" ? "station.news" : "station.news_cancelled", { number: numbers });
}
