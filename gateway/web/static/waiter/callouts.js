/** What the waiters have to be told: a ticket is ready, or the staff have cancelled one, or a line. Once each, until somebody has read it. */

import { isCancelled, isOpen, keyOf, linesOf, standingOf } from "../live/tickets.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { Marks } from "../device/marks.js" */

/**
 * @typedef {object} Call
 * @property {Ticket} ticket
 * @property {number | null} place of the line that was cancelled alone; null where it is about the ticket
 */

/** What was ready before the page was opened, and for longer than this, was called out by another page. */
const OLD_MS = 2 * 60_000;

/** Return what something is called out as: the same state twice, as after a recall, is two. @param {Call} call */
export const markOf = ({ ticket, place }) =>
  place === null
    ? `${keyOf(ticket)} ${ticket.state} ${ticket.ready_at ?? ticket.cancelled_at ?? ""}`
    : `${keyOf(ticket)} line ${place}`;

/** Return whether it is about a cancel. @param {Call} call */
export const isCancel = ({ ticket, place }) => place !== null || ticket.state === "cancelled";

/**
 * Return what is kept of a cancel that was asked for here.
 *
 * @param {string} key of the ticket
 * @param {number} [line] the place of the line, where it is about one
 */
export const ownOf = (key, line) => (line === undefined ? key : `${key} ${line}`);

/** Since when it is so, on the server's clock; of a line: at the latest. @param {Call} call */
const timeOf = ({ ticket: { state, ready_at, cancelled_at, moved_at }, place }) =>
  Date.parse((place !== null ? moved_at : state === "ready" ? ready_at : cancelled_at) ?? "") || 0;

/** Whether the staff cancelled it: a guest's cancel is no step of theirs. @param {Ticket} ticket */
const isWithdrawn = (ticket) => ticket.state === "cancelled" && ticket.moved_at === ticket.cancelled_at;

/** Return what there is to say of a ticket. @param {Ticket} ticket @returns {Call[]} */
function callsOf(ticket) {
  const whole = ticket.state === "ready" || isWithdrawn(ticket) ? [{ ticket, place: null }] : [];
  if (!isOpen(ticket)) return whole;
  const cancelled = linesOf(ticket).filter(({ line }) => isCancelled(line));
  return [...whole, ...cancelled.map(({ place }) => ({ ticket, place }))];
}

export class Callouts {
  /** @param {Marks} read what somebody has read here */
  constructor(read) {
    this.read = read;
    /** @type {Set<string>} */
    this.sounded = new Set();
    /** What was cancelled here; what was refused is none of it. @type {Set<string>} */
    this.own = new Set();
    this.isFirst = true;
    /** What is to be read, the newest first. @type {Call[]} */
    this.list = [];
  }

  /**
   * Look through all tickets, as the departments have them; returns what is new.
   *
   * @param {Ticket[]} tickets
   * @param {number} now on the server's clock
   */
  look(tickets, now) {
    const calls = tickets.flatMap(callsOf);
    if (this.isFirst) this.forgetOld(calls, now);
    this.isFirst = false;
    const known = new Set(calls.map(markOf));
    this.read.prune((mark) => known.has(mark));
    for (const mark of this.sounded) if (!known.has(mark)) this.sounded.delete(mark);
    const unread = calls.filter((call) => !this.read.has(markOf(call)) && !this.isOwn(call));
    this.list = unread.sort((one, other) => timeOf(other) - timeOf(one));
    const fresh = this.list.filter((call) => !this.sounded.has(markOf(call)));
    for (const call of fresh) this.sounded.add(markOf(call));
    return fresh;
  }

  /**
   * Whether it is a cancel from here: also that of a ticket's last line, which cancels the ticket.
   *
   * @param {Call} call
   */
  isOwn({ ticket, place }) {
    const key = keyOf(ticket);
    if (place !== null) return this.own.has(ownOf(key, place));
    if (ticket.state !== "cancelled") return false;
    return this.own.has(key) || standingOf(ticket).every((last) => this.own.has(ownOf(key, last.place)));
  }

  /**
   * @param {Call[]} calls
   * @param {number} now
   */
  forgetOld(calls, now) {
    for (const call of calls) {
      if (now - timeOf(call) >= OLD_MS) this.read.add(markOf(call));
    }
  }

  /** Somebody has read some. @param {Call[]} calls */
  acknowledge(calls) {
    for (const call of calls) this.read.add(markOf(call));
    this.list = this.list.filter((call) => !calls.includes(call));
  }
}
