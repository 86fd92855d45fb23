/** A set of keys that the device remembers through reloads, shared by the pages of one browser. */

/** @import { DeviceStorage } from "./storage.js" */

export class Marks {
  /**
   * @param {DeviceStorage} storage
   * @param {string} name under which it is kept
   */
  constructor(storage, name) {
    this.storage = storage;
    this.name = name;
    this.keys = this.read();
  }

  /** @returns {Set<string>} */
  read() {
    return new Set(this.storage.read(this.name, /** @type {string[]} */ ([])));
  }

  /** @param {string} key */
  has(key) {
    return this.keys.has(key);
  }

  /** @param {string} key */
  add(key) {
    this.addAll([key]);
  }

  /** @param {string[]} added */
  addAll(added) {
    if (added.every((key) => this.keys.has(key))) return;
    this.change((keys) => {
      for (const key of added) keys.add(key);
    });
  }

  /** @param {string} key */
  delete(key) {
    if (this.keys.has(key)) this.change((keys) => keys.delete(key));
  }

  /**
   * Forget the keys that are not needed any more.
   *
   * @param {(key: string) => boolean} isKept
   */
  prune(isKept) {
    const old = [...this.keys].filter((key) => !isKept(key));
    if (old.length) {
      this.change((keys) => {
        for (const key of old) keys.delete(key);
      });
    }
  }

  /** Change what is kept, which another page may have changed meanwhile. @param {(keys: Set<string>) => void} by */
  change(by) {
    this.keys = this.read();
    by(this.keys);
    this.storage.write(this.name, [...this.keys]);
  }

  /** Take in what another page of the browser has kept; returns whether it is about these marks. @param {StorageEvent} event */
  follow(event) {
    if (event.key !== this.name) return false;
    this.keys = this.read();
    return true;
  }
}
