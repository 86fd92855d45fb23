/** Finds out whether the cancel of a line came too late: somebody else had cancelled that line. */

import { isCancelled } from "../live/tickets.js";
import { Titles } from "../live/titles.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { Moves } from "./moves.js" */
/** @import { Entry } from "./queue.js" */

/**
 * Return which line somebody else had cancelled before, and why; undefined where a step was not taken for another reason.
 *
 * @param {Entry} entry a step that was not taken
 * @param {Ticket} ticket as it is
 * @param {Moves} moves
 * @param {string} language
 * @returns {{dish: string, reason: string} | undefined}
 */
export function cancelledBefore({ body }, ticket, { store }, language) {
  const line = ticket.lines[body.line];
  if (!line || !isCancelled(line) || ticket.state !== body.expected) return undefined;
  return { dish: new Titles(store, language).dish(ticket.department, line), reason: line.cancel_reason ?? "" };
}
