/** The steps that somebody takes with a card: the next one, one back, cancel; each can be undone for 5 seconds. */

import { keyOf, standingOf } from "../live/tickets.js";
import { NEXT } from "../moves/moves.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { Moves, Verb } from "../moves/moves.js" */
/** @import { Marks } from "../device/marks.js" */

/** The actions that verbs are, as VERBS in gateway/domain/access.py. @type {Partial<Record<Verb, string>>} */
const ACTIONS = { serve: "ticket.serve", cancel: "ticket.cancel" };

/** A second tap within this time is the same tap: a button says another step at once. */
const SAME_TAP_MS = 600;

export class Steps {
  /**
   * @param {object} options
   * @param {Moves} options.moves
   * @param {Marks} options.confirmed the allergies that somebody has confirmed here
   * @param {string[]} options.rights
   * @param {() => number} [options.elapsed] milliseconds
   */
  constructor({ moves, confirmed, rights, elapsed = () => performance.now() }) {
    this.moves = moves;
    this.confirmed = confirmed;
    this.rights = new Set(rights);
    this.elapsed = elapsed;
    /** @type {{key: string, at: number}} */
    this.last = { key: "", at: 0 };
    /** @type {(ticket: Ticket, verb: Verb) => void} */
    this.taken = () => {};
  }

  /** Return whether the caller may take a step, perhaps. @param {Verb} verb */
  may(verb) {
    return this.rights.has(ACTIONS[verb] ?? "ticket.move");
  }

  /** Return the step that comes next, where the caller may take it. @param {Ticket} ticket */
  nextOf(ticket) {
    const verb = NEXT[ticket.state];
    return verb && this.may(verb) ? verb : undefined;
  }

  /**
   * Return the places of the lines whose allergies have to be confirmed before the start.
   *
   * @param {Ticket} ticket
   */
  unconfirmed(ticket) {
    if (ticket.state !== "queued") return [];
    const lines = standingOf(ticket).filter(({ line }) => line.allergy);
    return lines.map(({ place }) => place).filter((place) => !this.confirmed.has(`${keyOf(ticket)} ${place}`));
  }

  /**
   * @param {Ticket} ticket
   * @param {number} place
   */
  confirm(ticket, place) {
    this.confirmed.add(`${keyOf(ticket)} ${place}`);
    this.moves.store.notify();
  }

  /** Take the next step; returns whether it was taken. @param {Ticket} ticket */
  next(ticket) {
    const shown = this.moves.shown(ticket);
    const verb = this.nextOf(shown);
    if (!verb || this.isSameTap(ticket) || this.unconfirmed(shown).length) return false;
    this.take(ticket, verb);
    return true;
  }

  /** Take one step back. @param {Ticket} ticket */
  back(ticket) {
    if (!this.may("recall")) return;
    this.last = { key: keyOf(ticket), at: this.elapsed() };
    this.moves.move(ticket, "recall");
  }

  /**
   * @param {Ticket} ticket
   * @param {string} reason
   * @param {number} [line] the place of the one line to cancel; without it, all of the ticket
   */
  cancel(ticket, reason, line) {
    this.moves.move(ticket, "cancel", { reason, line });
  }

  /**
   * @param {Ticket} ticket
   * @param {Verb} verb
   */
  take(ticket, verb) {
    this.last = { key: keyOf(ticket), at: this.elapsed() };
    this.moves.move(ticket, verb);
    this.taken(ticket, verb);
  }

  /** @param {Ticket} ticket */
  isSameTap(ticket) {
    return this.last.key === keyOf(ticket) && this.elapsed() - this.last.at < SAME_TAP_MS;
  }
}
