/**
 * What the staff do: steps with tickets, ticks of lines, items off sale and changes of the stock.
 *
 * Each is kept in the queue first and sent at once, one after another for each department. Where there is no response
 * it stays, and is sent again until there is one; `results` tell what became of it then. A step names the state that it
 * expects, so what others did meanwhile is never undone: it is overtaken, and the result says by whom.
 */

import { standingOf } from "../live/tickets.js";
import { newId } from "./ids.js";
import { send } from "./send.js";

/** @import { Store } from "../live/store.js" */
/** @import { Ticket, TicketState } from "../live/states.js" */
/** @import { Entry, Queue } from "./queue.js" */
/** @import { Reply } from "./send.js" */

/**
 * @typedef {"start" | "finish" | "serve" | "recall" | "cancel"} Verb
 *
 * @typedef {object} Result
 * @property {"taken" | "kept" | "overtaken" | "refused"} kind `kept`: there was no response yet
 * @property {Entry} entry
 * @property {Reply | null} reply
 */

/** The states that steps lead to, as TRANSITIONS in departments/domain/tickets.py. @type {Record<string, TicketState>} */
const AFTER = {
  "queued start": "preparing",
  "preparing finish": "ready",
  "ready serve": "served",
  "preparing recall": "queued",
  "ready recall": "preparing",
  "served recall": "ready",
  "queued cancel": "cancelled",
  "preparing cancel": "cancelled",
};

/** The step that comes next in each state. @type {Partial<Record<TicketState, Verb>>} */
export const NEXT = { queued: "start", preparing: "finish", ready: "serve" };

export class Moves {
  /**
   * @param {object} options
   * @param {Store} options.store
   * @param {Queue} options.queue
   * @param {typeof send} [options.send]
   * @param {(run: () => void, ms: number) => void} [options.after]
   */
  constructor({ store, queue, send: sendIt = send, after = (run, ms) => void setTimeout(run, ms) }) {
    this.store = store;
    this.queue = queue;
    this.send = sendIt;
    this.after = after;
    /** @type {Set<string>} */
    this.busy = new Set();
    /** The departments that are tried again later. @type {Set<string>} */
    this.later = new Set();
    /** @type {Set<(result: Result) => void>} */
    this.listeners = new Set();
  }

  /**
   * Take a step with a ticket; `expected` is the state that the ticket is shown in.
   *
   * @param {Ticket} ticket
   * @param {Verb} verb
   * @param {{reason?: string, by?: string, line?: number}} [options] `line`: the place of the one line to cancel
   */
  move(ticket, verb, { reason, by, line } = {}) {
    const expected = this.shown(ticket).state;
    const given = { ...(reason && { reason }), ...(by && { moved_by: by }), ...(line !== undefined && { line }) };
    const body = { verb, expected, step_id: newId(), ...given };
    return this.keep(ticket.department, "POST", `${pathOf(ticket)}/moves`, body, ticket);
  }

  /**
   * Tick a line off, or put it back; `line` is counted from 0.
   *
   * @param {Ticket} ticket
   * @param {number} line
   * @param {boolean} made
   */
  tick(ticket, line, made) {
    return this.keep(ticket.department, "PUT", `${pathOf(ticket)}/lines/${line}`, { made }, ticket);
  }

  /**
   * Take an item off sale, or put it back.
   *
   * @param {string} department
   * @param {string} item
   * @param {boolean} isOnSale
   */
  setOnSale(department, item, isOnSale) {
    return this.keep(department, "PUT", salePathOf(department, item), { on_sale: isOnSale });
  }

  /**
   * Note a delivery, waste or a correction (`delta`), or a count (`count`, `expected`).
   *
   * @param {string} department
   * @param {string} item
   * @param {{reason: string, delta?: number, count?: number, expected?: number}} change
   */
  changeStock(department, item, change) {
    const path = `/stock/${department}/${encodeURIComponent(item)}/changes`;
    return this.keep(department, "POST", path, { ...change, change_id: newId() });
  }

  /**
   * Return a ticket as it will be when what is kept here has arrived: so a tap shows at once, also without a network.
   *
   * @param {Ticket} ticket
   * @returns {Ticket & {isPending?: boolean}}
   */
  shown(ticket) {
    const key = keyOf(ticket);
    return this.queue
      .entries()
      .filter((entry) => entry.ticket === key)
      .reduce(applied, ticket);
  }

  /**
   * Return whether an item will be on sale when what is kept here has arrived.
   *
   * @param {string} department
   * @param {string} item
   * @param {boolean} otherwise whether it is now
   * @returns {boolean}
   */
  shownOnSale(department, item, otherwise) {
    const path = salePathOf(department, item);
    const last = this.queue
      .entries()
      .filter((entry) => entry.path === path)
      .pop();
    return last ? last.body.on_sale : otherwise;
  }

  /** How many entries wait. */
  get waiting() {
    return this.queue.entries().length;
  }

  /**
   * Call a function with each result, also with those of what was kept before this page was opened; returns a function
   * that ends it.
   *
   * @param {(result: Result) => void} listener
   * @returns {() => void}
   */
  onResult(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Send what is kept; called at the start, after a reconnect, and by itself. */
  flush() {
    for (const department of new Set(this.queue.entries().map((entry) => entry.department))) void this.run(department);
  }

  /**
   * @param {string} department
   * @param {string} method
   * @param {string} path
   * @param {any} body
   * @param {Ticket} [ticket]
   * @returns {string} the entry's id
   */
  keep(department, method, path, body, ticket) {
    const entry = {
      id: newId(),
      department,
      method,
      path,
      body,
      ticket: ticket ? keyOf(ticket) : null,
      at: this.store.clock.now(),
    };
    this.queue.add(entry);
    this.store.notify();
    void this.run(department);
    return entry.id;
  }

  /** @param {string} department */
  async run(department) {
    if (this.busy.has(department)) return;
    this.busy.add(department);
    try {
      for (let entry = this.queue.first(department); entry; entry = this.queue.first(department)) {
        const reply = await this.send(entry.method, entry.path, entry.body);
        if (!reply.isFinal) {
          this.tell({ kind: "kept", entry, reply });
          this.runLater(department, reply.retryMs);
          return;
        }
        this.finish(entry, reply);
      }
    } finally {
      this.busy.delete(department);
    }
  }

  /**
   * @param {string} department
   * @param {number} ms
   */
  runLater(department, ms) {
    if (this.later.has(department)) return;
    this.later.add(department);
    this.after(() => {
      this.later.delete(department);
      void this.run(department);
    }, ms);
  }

  /**
   * @param {Entry} entry
   * @param {Reply} reply
   */
  finish(entry, reply) {
    const { status, body } = reply;
    this.queue.remove(entry.id);
    const ticket = status === 200 && entry.ticket ? body : body?.ticket;
    const stock = status === 200 && !entry.ticket && body?.item ? body : body?.stock;
    if (ticket) this.store.take("ticket", ticket);
    if (stock?.on_sale !== undefined) this.store.take("stock", stock);
    this.store.notify();
    const kind = status < 300 ? "taken" : status === 409 && (ticket || stock) ? "overtaken" : "refused";
    this.tell({ kind, entry, reply });
    if (kind !== "taken" && entry.body.verb && entry.body.line === undefined) this.dropFollowing(entry);
  }

  /**
   * Forget the steps that were to follow one that was not taken: they were meant for the ticket after it, and might
   * undo what somebody else did. The cancel of a line is no such step: the ticket's state is the same after it.
   *
   * @param {Entry} entry
   */
  dropFollowing(entry) {
    const following = this.queue.entries().filter((each) => each.ticket === entry.ticket && each.body.verb);
    for (const each of following) this.queue.remove(each.id);
  }

  /** @param {Result} result */
  tell(result) {
    for (const listener of this.listeners) listener(result);
  }
}

/**
 * Return a ticket after an entry, if it is taken.
 *
 * @param {Ticket} ticket
 * @param {Entry} entry
 */
function applied(ticket, entry) {
  const { verb, expected, made, line } = entry.body;
  if (verb === undefined) {
    const place = Number(entry.path.split("/").pop());
    const lines = ticket.lines.map((line, index) => (index === place ? { ...line, made } : line));
    return { ...ticket, lines, isPending: true };
  }
  if (ticket.state !== expected) return ticket;
  if (line !== undefined && standingOf(ticket).some(({ place }) => place !== line)) {
    const cancelled = { outcome: "cancelled", cancel_reason: entry.body.reason ?? null };
    const lines = ticket.lines.map((each, place) => (place === line ? { ...each, ...cancelled } : each));
    return { ...ticket, lines, isPending: true };
  }
  return { ...ticket, state: AFTER[`${expected} ${verb}`] ?? ticket.state, isPending: true };
}

/** @param {Ticket} ticket */
const keyOf = (ticket) => `${ticket.department} ${ticket.order_id}`;

/** @param {Ticket} ticket */
const pathOf = (ticket) => `/tickets/${ticket.department}/${ticket.order_id}`;

/**
 * @param {string} department
 * @param {string} item
 */
const salePathOf = (department, item) => `/stock/${department}/${encodeURIComponent(item)}/sale`;
