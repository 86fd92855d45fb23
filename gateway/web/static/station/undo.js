/** The undo bar: the last step, for 5 seconds. A step that others have followed meanwhile is not undone. */

import { keyOf } from "../live/tickets.js";
import { showToast } from "../ui/toast.js";

/** @import { Ticket, TicketState } from "../live/states.js" */
/** @import { Verb } from "../moves/moves.js" */
/** @import { Shell } from "../shell.js" */
/** @import { Steps } from "./steps.js" */

export class Undo {
  /**
   * @param {Steps} steps
   * @param {Shell} shell
   */
  constructor(steps, { t }) {
    this.steps = steps;
    this.t = t;
    /** @type {(() => void) | undefined} */
    this.leave = undefined;
    /** @type {(() => void) | undefined} */
    this.act = undefined;
    steps.taken = (ticket, verb) => this.offer(ticket, verb);
  }

  /**
   * @param {Ticket} ticket
   * @param {Verb} verb
   */
  offer(ticket, verb) {
    this.leave?.();
    if (!this.steps.may("recall")) return;
    const forget = () => {
      this.leave = undefined;
      this.act = undefined;
    };
    const { state } = this.steps.moves.shown(ticket);
    this.act = () => {
      forget();
      this.take(ticket, state);
    };
    this.leave = showToast({
      text: this.t(`station.done_${verb}`, { number: ticket.number ?? "" }),
      label: this.t("station.undo"),
      act: this.act,
      expired: forget,
    });
  }

  /**
   * Take a ticket back, unless it is in another state than the step led to.
   *
   * @param {Ticket} ticket
   * @param {TicketState} state
   */
  take(ticket, state) {
    const { moves } = this.steps;
    const now = moves.shown(moves.store.tickets.get(keyOf(ticket)) ?? ticket);
    if (now.state === state) this.steps.back(now);
    else {
      const values = { number: ticket.number ?? "", state: this.t(`state.${now.state}`) };
      showToast({ text: this.t("station.not_undone", values), kind: "bad", seconds: 8 });
    }
  }

  /** Undo the last step, where that is still offered; returns whether it was. */
  undo() {
    const { act, leave } = this;
    leave?.();
    act?.();
    return act !== undefined;
  }
}
