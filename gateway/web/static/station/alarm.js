/** Says that something is new, or was cancelled: a tone each, and a flash. */

import { dishOf } from "./more.js";

/** @import { Ticket, TicketLine } from "../live/states.js" */
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
  const { store, arrivals, departments } = station;
  const tickets = departments.flatMap((name) => store.ticketsOf(name));
  const { arrived, cancelled, lines } = arrivals.look(tickets, store.clock.elapsed());
  const { t } = station.shell;
  if (cancelled.length) say("cancelled", t("station.news_cancelled", { number: numbersOf(cancelled) }), station);
  else if (lines.length) say("cancelled", textOf(lines, station), station);
  else if (arrived.length) say("ticket", t("station.news", { number: numbersOf(arrived) }), station);
}

/** @param {Ticket[]} tickets */
const numbersOf = (tickets) => tickets.map(({ number }) => number ?? "").join(", ");

/**
 * @param {{ticket: Ticket, line: TicketLine}[]} lines
 * @param {Station} station
 */
function textOf(lines, station) {
  const texts = lines.map(({ ticket, line }) =>
    station.shell.t("station.news_line", { number: ticket.number ?? "", dish: dishOf(ticket, line, station) }),
  );
  return texts.join(" ");
}

/**
 * Flash the screen's edge, sound, and tell a screen reader.
 *
 * @param {"cancelled" | "ticket"} kind
 * @param {string} text
 * @param {Station} station
 */
function say(kind, text, { sound }) {
  document.documentElement.dataset.flash = kind;
  clearTimeout(timer);
  timer = setTimeout(() => delete document.documentElement.dataset.flash, FLASH_MS);
  const place = document.getElementById("station-news");
  if (place) place.textContent = text;
  sound.play(kind);
}
