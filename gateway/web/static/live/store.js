/**
 * What this page knows of the restaurant: the latest state of each ticket, item, menu, order and department.
 *
 * After a `reset` the states from before stay until the next tick, so that nothing flickers; what was not sent again by
 * then is gone.
 */

import { Clock } from "./clock.js";
import { Numbers } from "./numbers.js";
import { Versions } from "./versions.js";

/** @import { Availability, DepartmentState, Kind, Menu, Order, Stock, Tick, Ticket } from "./states.js" */

export const STALE_MS = 11_000;
const MOST_CLOSED = 200;
const MOST_ORDERS = 1000;

/** @type {Record<Kind, (store: Store, data: any) => void>} */
const TAKERS = {
  ticket: (store, data) => store.takeTicket(data),
  stock: (store, data) => store.takeStock(data),
  item: (store, data) => store.items.set(`${data.department} ${data.item}`, data),
  number: (store, data) => store.numbers.put(data),
  menu: (store, data) => store.menus.set(data.department, data),
  order: (store, data) => store.takeOrder(data),
  department: (store, data) => store.departments.set(data.name, data),
  tick: (store, data) => store.takeTick(data),
  reset: (store, data) => store.takeReset(data),
};

/** @param {Ticket} ticket */
export const isClosed = (ticket) => ticket.state === "served" || ticket.state === "cancelled";

export class Store {
  /**
   * @param {object} options
   * @param {Clock} options.clock
   * @param {(run: () => void) => void} [options.schedule] calls `run` soon, once for many changes
   * @param {boolean} [options.isKept] whether the document comes from the device, not from the server
   */
  constructor({ clock, schedule = soon, isKept = false }) {
    this.clock = clock;
    this.schedule = schedule;
    /** @type {Versions<Ticket>} */
    this.tickets = new Versions((ticket) => `${ticket.department} ${ticket.order_id}`);
    /** @type {Versions<Stock>} */
    this.stock = new Versions((stock) => `${stock.department} ${stock.item}`);
    /** What guests see of the stock, by `department item`. @type {Map<string, Availability>} */
    this.items = new Map();
    this.numbers = new Numbers();
    /** @type {Map<string, Menu>} */
    this.menus = new Map();
    /** @type {Map<string, Order>} */
    this.orders = new Map();
    /** @type {Map<string, DepartmentState>} */
    this.departments = new Map();
    /** Whether all that is known has arrived, once: from then on nothing is missing. */
    this.isComplete = false;
    /** @type {Set<() => void>} */
    this.subscribers = new Set();
    this.isScheduled = false;
    this.lastTick = clock.elapsed();
    this.lastTickServer = clock.now();
    /** Whether the document was kept on the device: then the page is out of date until the first tick. */
    this.isKept = isKept;
    /** Whether the right to see this has ended. */
    this.isRefused = false;
  }

  /**
   * Take in an event.
   *
   * @param {Kind} kind
   * @param {any} data
   */
  take(kind, data) {
    TAKERS[kind](this, data);
    this.notify();
  }

  /** @param {Ticket} ticket */
  takeTicket(ticket) {
    this.tickets.put(ticket);
    if (isClosed(ticket)) this.tickets.limit(ticket.department, isClosed, MOST_CLOSED);
  }

  /** Keep an item's stock, and what can be had of it. @param {Stock} stock */
  takeStock(stock) {
    if (!this.stock.put(stock)) return;
    const { department, item, unlimited, on_hand, on_sale } = stock;
    this.items.set(`${department} ${item}`, { department, item, available: unlimited ? null : on_hand, on_sale });
  }

  /** @param {Order} order */
  takeOrder(order) {
    this.orders.delete(order.order_id);
    this.orders.set(order.order_id, order);
    if (this.orders.size > MOST_ORDERS) this.orders.delete(/** @type {string} */ (this.orders.keys().next().value));
  }

  /** @param {Tick} tick */
  takeTick(tick) {
    this.clock.learn(tick.now_ms);
    const away = new Set(this.away().map(({ name }) => name));
    this.tickets.forgetOld(away);
    this.stock.forgetOld(away);
    this.numbers.forgetOld(away);
    this.lastTick = this.clock.elapsed();
    this.lastTickServer = tick.now_ms;
    this.isComplete = true;
    this.isKept = false;
    this.isRefused = false;
  }

  /** @param {{departments: string[]}} reset */
  takeReset({ departments }) {
    for (const name of departments) {
      this.tickets.age(name);
      this.stock.age(name);
      this.numbers.age(name);
    }
  }

  /**
   * Return since when the page is out of date, on the server's clock in milliseconds; null where it is not.
   *
   * @returns {number | null}
   */
  staleSince() {
    return this.isKept || this.clock.elapsed() - this.lastTick > STALE_MS ? this.lastTickServer : null;
  }

  /** Note whether the right to see this has ended. @param {boolean} isRefused */
  refuse(isRefused) {
    this.isRefused = isRefused;
    this.notify();
  }

  /** Return the departments whose changes do not reach the gateway. */
  away() {
    return [...this.departments.values()].filter(({ state }) => state === "unreachable");
  }

  /**
   * Return the tickets of a department, or of all, the oldest first; new ones come at the end.
   *
   * @param {string} [department]
   * @returns {Ticket[]}
   */
  ticketsOf(department) {
    const found = [...this.tickets.values()].filter((each) => !department || each.department === department);
    return found.sort(
      (one, other) => compare(one.placed_at ?? "", other.placed_at ?? "") || compare(one.order_id, other.order_id),
    );
  }

  /**
   * Call a function after changes, once for many; returns a function that ends it.
   *
   * @param {() => void} subscriber
   * @returns {() => void}
   */
  subscribe(subscriber) {
    this.subscribers.add(subscriber);
    return () => this.subscribers.delete(subscriber);
  }

  /** Call the subscribers soon. */
  notify() {
    if (this.isScheduled) return;
    this.isScheduled = true;
    this.schedule(() => {
      this.isScheduled = false;
      for (const subscriber of this.subscribers) subscriber();
    });
  }
}

/**
 * @param {string} one
 * @param {string} other
 */
function compare(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}

const HIDDEN_MS = 250;

/**
 * Call a function with the next frame; in a page that nobody sees, which has no frames, a little later.
 *
 * @param {() => void} run
 */
function soon(run) {
  const once = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    run();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, HIDDEN_MS);
}
