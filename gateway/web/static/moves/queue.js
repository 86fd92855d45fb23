/**
 * What was decided at this device and has not arrived yet, kept on it until it has: through dead networks and reloads.
 *
 * Every entry may be sent more than once, so two pages of one browser may both send what is here.
 */

/** @import { DeviceStorage } from "../device/storage.js" */

/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {string} department
 * @property {string} method
 * @property {string} path
 * @property {any} body
 * @property {string | null} ticket the key of the ticket that it is about, `department order_id`
 * @property {number} at when, on the server's clock
 */

export class Queue {
  /**
   * @param {DeviceStorage} storage
   * @param {string} name under which it is kept
   */
  constructor(storage, name = "comanda.moves") {
    this.storage = storage;
    this.name = name;
  }

  /** Return the entries, the oldest first; also those of other pages. @returns {Entry[]} */
  entries() {
    return this.storage.read(this.name, []);
  }

  /** @param {Entry} entry */
  add(entry) {
    this.storage.write(this.name, [...this.entries(), entry]);
  }

  /** @param {string} id */
  remove(id) {
    this.storage.write(
      this.name,
      this.entries().filter((entry) => entry.id !== id),
    );
  }

  /** Return the first entry of a department. @param {string} department */
  first(department) {
    return this.entries().find((entry) => entry.department === department);
  }
}
