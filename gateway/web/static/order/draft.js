/**
 * The basket, and the order that is on its way, in one record on the device: whatever happens to the page in between, a
 * line is in one of them and never in both.
 */

import { addLines } from "./lines.js";

/** @import { DeviceStorage } from "../device/storage.js" */
/** @import { BasketLine } from "./lines.js" */

/**
 * @typedef {object} Attempt an order that is on its way
 * @property {string} order_id made once
 * @property {any} body of the request, the same at each try
 * @property {BasketLine[]} lines
 * @property {number} at when, on the server's clock
 * @property {number} deviceAt the same on the device's, which goes on while the page is closed
 * @property {"place" | "withdraw" | "find"} goal to place it, to see to it that it is not placed, to find out
 * @property {boolean} isSending a request is under way, or was when the page ended
 * @property {boolean} isUncertain a request may have arrived whose response did not
 * @property {boolean} isAbsent the gateway does not know it; asked once
 *
 * @typedef {object} Record
 * @property {string} id of the order that the lines become, made with the first line: two pages of one browser that place
 *   the basket at the same moment, before either has seen the other, so place one order
 * @property {BasketLine[]} lines
 * @property {string} table that the guest typed
 * @property {boolean} isWhole only if all of it can be had
 * @property {Attempt | null} attempt
 */

/** @type {Record} */
const EMPTY = { id: "", lines: [], table: "", isWhole: false, attempt: null };

export class Draft {
  /**
   * @param {DeviceStorage} storage
   * @param {() => string} newId
   * @param {string} name under which it is kept
   */
  constructor(storage, newId, name = "comanda.draft") {
    this.storage = storage;
    this.newId = newId;
    this.name = name;
    /** @type {() => void} */
    this.changed = () => {};
  }

  /** Return it as it is now, also where another page of this browser changed it. @returns {Record} */
  read() {
    return { ...EMPTY, ...this.storage.read(this.name, EMPTY) };
  }

  get lines() {
    return this.read().lines;
  }

  get attempt() {
    return this.read().attempt;
  }

  /** @param {Partial<Record>} part */
  change(part) {
    const next = { ...this.read(), ...part };
    this.storage.write(this.name, { ...next, id: next.lines.length ? next.id || this.newId() : "" });
    this.changed();
  }

  /** Let the basket become an order that is on its way. @param {Attempt} attempt */
  begin(attempt) {
    this.change({ lines: [], isWhole: false, attempt });
  }

  /**
   * Note how far the order is; returns false where it is not on its way any more.
   *
   * @param {string} orderId
   * @param {Partial<Attempt>} part
   */
  note(orderId, part) {
    const { attempt } = this.read();
    if (attempt?.order_id !== orderId) return false;
    this.change({ attempt: { ...attempt, ...part } });
    return true;
  }

  /** The order has arrived. @param {string} orderId */
  finish(orderId) {
    if (this.attempt?.order_id === orderId) this.change({ attempt: null });
  }

  /** The order was not placed: its lines are in the basket again. @param {string} orderId */
  restore(orderId) {
    const { attempt, lines } = this.read();
    if (attempt?.order_id === orderId) this.change({ lines: addLines(attempt.lines, lines), attempt: null });
  }
}
