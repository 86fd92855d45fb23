/** The guest's own orders, kept on the device: nobody else's are shown, and those of another day are forgotten. */

/** @import { DeviceStorage } from "../device/storage.js" */
/** @import { Order } from "../live/states.js" */
/** @import { Reply } from "../moves/send.js" */

import { orderIn } from "./placing.js";

const KEPT_MS = 12 * 3600_000;
const MOST = 20;

/** How many are followed as events: a browser has six connections to the gateway for all its pages. */
const FOLLOWED = 2;

/** Return whether nothing more will happen to an order. @param {Order} order */
export function isOver({ status, progress }) {
  return status !== "pending" && (progress === null || progress === "served" || progress === "withdrawn");
}

/**
 * Return whether something of an order is not being made yet.
 *
 * @param {Order} order
 */
export const canCancel = (order) =>
  order.lines.some(({ outcome, progress }) => outcome === "pending" || progress === "queued");

/**
 * @typedef {object} Environment
 * @property {DeviceStorage} storage
 * @property {(method: string, path: string, body?: unknown) => Promise<Reply>} send
 * @property {() => number} now the server's clock
 * @property {(orderId: string, take: (order: Order) => void) => () => void} follow returns a function that ends it
 */

export class OwnOrders {
  /**
   * @param {Environment} environment
   * @param {string} name under which they are kept
   */
  constructor(environment, name = "comanda.orders") {
    this.environment = environment;
    this.name = name;
    /** @type {Map<string, () => void>} */
    this.followed = new Map();
    /** @type {(order: Order, before: Order | undefined) => void} */
    this.changed = () => {};
  }

  /** Return them, the newest first. @returns {Order[]} */
  list() {
    const oldest = this.environment.now() - KEPT_MS;
    const kept = this.environment.storage.read(this.name, /** @type {Order[]} */ ([]));
    return kept.filter(({ created_at }) => Date.parse(created_at) > oldest);
  }

  /** @param {string} orderId */
  find(orderId) {
    return this.list().find(({ order_id }) => order_id === orderId);
  }

  /** Keep an order as it is now. @param {Order} order */
  put(order) {
    const kept = this.list();
    const before = kept.find(({ order_id }) => order_id === order.order_id);
    const others = kept.filter((each) => each !== before);
    const all = [order, ...others].sort((one, other) => Date.parse(other.created_at) - Date.parse(one.created_at));
    this.environment.storage.write(this.name, all.slice(0, MOST));
    this.follow();
    this.changed(order, before);
  }

  /** Follow those that are open; the newest as events. */
  follow() {
    const open = this.list().filter((order) => !isOver(order));
    const wanted = open.slice(0, FOLLOWED).map(({ order_id }) => order_id);
    for (const [orderId, stop] of this.followed) {
      if (wanted.includes(orderId)) continue;
      stop();
      this.followed.delete(orderId);
    }
    for (const orderId of wanted) {
      if (this.followed.has(orderId)) continue;
      this.followed.set(orderId, () => {});
      this.followed.set(
        orderId,
        this.environment.follow(orderId, (order) => this.put(order)),
      );
    }
  }

  /** Stop following, as while nobody sees the page. */
  stop() {
    for (const stop of this.followed.values()) stop();
    this.followed.clear();
  }

  /** Read those that are open anew: all of them, or only those that are not followed. @param {boolean} [all] */
  async refresh(all = false) {
    for (const order of this.list()) {
      if (!isOver(order) && (all || !this.followed.has(order.order_id))) await this.read(order.order_id);
    }
  }

  /** @param {string} orderId */
  async read(orderId) {
    const reply = await this.environment.send("GET", `/orders/${orderId}`);
    const order = orderIn(reply);
    if (order) this.put(order);
    else if (reply.status === 404) this.forget(orderId);
  }

  /**
   * Cancel what is not being made yet; returns whether anything was.
   *
   * @param {string} orderId
   * @returns {Promise<"cancelled" | "too_late" | "unknown">}
   */
  async cancel(orderId) {
    const reply = await this.environment.send("DELETE", `/orders/${orderId}`);
    const order = orderIn(reply);
    if (order) this.put(order);
    else await this.read(orderId);
    const now = this.find(orderId);
    if (order || now?.status === "cancelled") return "cancelled";
    return reply.status === 409 ? "too_late" : "unknown";
  }

  /** The gateway does not know it any more. @param {string} orderId */
  forget(orderId) {
    const kept = this.list().filter(({ order_id }) => order_id !== orderId);
    this.environment.storage.write(this.name, kept);
    this.follow();
  }
}
