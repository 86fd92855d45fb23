/** What is kept on the device; in memory where the browser keeps nothing, as in a private window that is full. */

export class DeviceStorage {
  /** @param {Storage | null} [storage] */
  constructor(storage = browserStorage()) {
    this.storage = storage;
    /** @type {Map<string, string>} */
    this.memory = new Map();
  }

  /**
   * Read a value; `otherwise` where there is none, or it cannot be read.
   *
   * @template T
   * @param {string} name
   * @param {T} otherwise
   * @returns {T}
   */
  read(name, otherwise) {
    const text = this.memory.get(name) ?? this.storage?.getItem(name);
    if (text === null || text === undefined) return otherwise;
    try {
      return JSON.parse(text);
    } catch {
      return otherwise; // another program's, or half of ours: as if there were none
    }
  }

  /**
   * Keep a value.
   *
   * @param {string} name
   * @param {unknown} value
   */
  write(name, value) {
    const text = JSON.stringify(value);
    try {
      if (!this.storage) throw new Error("the browser keeps nothing");
      this.storage.setItem(name, text);
      this.memory.delete(name);
    } catch {
      this.memory.set(name, text); // it lasts as long as the page, and `isDurable` says so
    }
  }

  /** @param {string} name */
  remove(name) {
    this.memory.delete(name);
    this.storage?.removeItem(name);
  }

  /** Whether what is kept outlives the page. */
  get isDurable() {
    return this.storage !== null && this.memory.size === 0;
  }
}

/** @returns {Storage | null} */
function browserStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null; // it is blocked
  }
}
