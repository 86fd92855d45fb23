/** What the waiters have to be told: a ticket is ready, or the staff have cancelled one. Once each, until somebody has read it. */

import { keyOf } from "../live/tickets.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { Marks } from "../device/marks.js" */

/** What was ready before the page was opened, and for longer than this, was called out by another page. */
const OLD_MS = 2 * 60_000;

/** Return what a ticket is called out as: the same state twice, as after a recall, is two. @param {Ticket} ticket */
export const markOf = (ticket) => `${keyOf(ticket)} ${ticket.state} ${ticket.ready_at ?? ticket.cancelled_at ?? ""}`;

/** Since when it is so, on the server's clock. @param {Ticket} ticket */
const timeOf = ({ state, ready_at, cancelled_at }) =>
  Date.parse((state === "ready" ? ready_at : cancelled_at) ?? "") || 0;

/** Whether the staff cancelled it: a guest's cancel is no step of theirs. @param {Ticket} ticket */
const isWithdrawn = (ticket) => ticket.state === "cancelled" && ticket.moved_at === ticket.cancelled_at;

export class Callouts {
  /** @param {Marks} read what somebody has read here */
  constructor(read) {
    this.read = read;
    /** @type {Set<string>} */
    this.sounded = new Set();
    /** The tickets that were cancelled here. @type {Set<string>} */
    this.own = new Set();
    this.isFirst = true;
    /** What is to be read, the newest first. @type {Ticket[]} */
    this.list = [];
  }

  /**
   * Look through all tickets, as the departments have them; returns what is new.
   *
   * @param {Ticket[]} tickets
   * @param {number} now on the server's clock
   */
  look(tickets, now) {
    const calls = tickets.filter((ticket) => ticket.state === "ready" || isWithdrawn(ticket));
    if (this.isFirst) this.forgetOld(calls, now);
    this.isFirst = false;
    const known = new Set(calls.map(markOf));
    this.read.prune((mark) => known.has(mark));
    for (const mark of this.sounded) if (!known.has(mark)) this.sounded.delete(mark);
    const unread = calls.filter((ticket) => !this.read.has(markOf(ticket)) && !this.own.has(keyOf(ticket)));
    this.list = unread.sort((one, other) => timeOf(other) - timeOf(one));
    const fresh = this.list.filter((ticket) => !this.sounded.has(markOf(ticket)));
    for (const ticket of fresh) this.sounded.add(markOf(ticket));
    return fresh;
  }

  /**
   * @param {Ticket[]} calls
   * @param {number} now
   */
  forgetOld(calls, now) {
    for (const ticket of calls) {
      if (now - timeOf(ticket) >= OLD_MS) this.read.add(markOf(ticket));
    }
  }

  /** Somebody has read some. @param {Ticket[]} tickets */
  acknowledge(tickets) {
    for (const ticket of tickets) this.read.add(markOf(ticket));
    this.list = this.list.filter((ticket) => !tickets.includes(ticket));
  }
}
