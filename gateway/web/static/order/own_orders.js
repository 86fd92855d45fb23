/** The guest's own orders, kept on the device: nobody else's are shown, and those of another day are forgotten. */

/** @import { DeviceStorage } from "../device/storage.js" */
/** @import { Order } from "../live/states.js" */
/** @import { Reply } from "../moves/send.js" */

import { orderIn } from "./placing.js";

const KEPT_MS = 12 * 3600_000;
const MOST = 20;

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
 * @property {(orderIds: string[]) => void} follow lets the events of these orders be put here, and of no others
 */

export class OwnOrders {
  /**
   * @param {Environment} environment
   * @param {string} name under which they are kept
   */
  constructor(environment, name = "comanda.orders") {
    this.environment = environment;
    this.name = name;
    /** Those that the gateway has told about: following an order that it does not know ends the events of all. */
    this.known = new Set();
    this.followed = "";
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
    this.known.add(order.order_id);
    this.follow();
    this.changed(order, before);
  }

  /** Follow those that are open. */
  follow() {
    const open = this.list().filter((order) => this.known.has(order.order_id) && !isOver(order));
    const wanted = open.map(({ order_id }) => order_id);
    if (wanted.join() === this.followed) return;
    this.followed = wanted.join();
    this.environment.follow(wanted);
  }

  /** Read those that are open anew: before they are followed, and while no events arrive. */
  async refresh() {
    const open = this.list().filter((order) => !isOver(order));
    await Promise.all(open.map(({ order_id }) => this.read(order_id)));
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
    this.known.delete(orderId);
    this.follow();
  }
}
