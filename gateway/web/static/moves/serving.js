/** Serves what is ready with one tap, and takes it back where somebody taps undo within 5 seconds. */

import { showToast } from "../ui/toast.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { Shell } from "../shell.js" */
/** @import { Moves } from "./moves.js" */

/** A second tap within this time is the same tap: something else may have come under the finger. */
const SAME_TAP_MS = 600;

export class Serving {
  /**
   * @param {Moves} moves
   * @param {Shell} shell
   * @param {() => number} [elapsed] milliseconds
   */
  constructor(moves, { t }, elapsed = () => performance.now()) {
    this.moves = moves;
    this.t = t;
    this.elapsed = elapsed;
    this.last = Number.NEGATIVE_INFINITY;
    /** @type {() => void} */
    this.leave = () => {};
    /** What can be taken back, by the steps' entries; a step that somebody else took first is none. @type {Map<string, Ticket>} */
    this.steps = new Map();
    moves.onResult(({ kind, entry }) => {
      if (kind === "taken" || kind === "kept" || !this.steps.delete(entry.id)) return;
      if (!this.steps.size) this.leave();
    });
  }

  /**
   * Serve those of some tickets that are ready; returns whether there was one.
   *
   * @param {Ticket[]} tickets
   * @param {string} name of the table, or of the order, in words
   */
  serve(tickets, name) {
    const ready = tickets.filter((ticket) => this.moves.shown(ticket).state === "ready");
    if (!ready.length || this.elapsed() - this.last < SAME_TAP_MS) return false;
    this.last = this.elapsed();
    this.leave();
    this.steps = new Map(ready.map((ticket) => [this.moves.move(ticket, "serve"), ticket]));
    this.leave = showToast({
      text: this.t("tables.served", { name, count: ready.length }),
      label: this.t("ui.undo"),
      act: () => this.undo(name),
    });
    return true;
  }

  /**
   * Take back what was served, unless somebody has done something else with it since.
   *
   * @param {string} name
   */
  undo(name) {
    const { moves } = this;
    const tickets = [...this.steps.values()];
    this.steps.clear();
    const known = tickets.map((ticket) => moves.store.tickets.get(`${ticket.department} ${ticket.order_id}`) ?? ticket);
    const served = known.filter((ticket) => moves.shown(ticket).state === "served");
    for (const ticket of served) moves.move(ticket, "recall");
    if (served.length < tickets.length)
      showToast({ text: this.t("tables.not_undone", { name }), kind: "bad", seconds: 8 });
  }
}
