/** The numbers that a board for guests shows: of tickets that are being made, or ready and not served. */

/** @import { CalledNumber } from "./states.js" */

const SHOWN = new Set(["queued", "preparing", "ready"]);

export class Numbers {
  constructor() {
    /** @type {Map<string, CalledNumber>} */
    this.states = new Map();
    /** What may be gone after a reset, unless it comes again. @type {Set<string>} */
    this.old = new Set();
  }

  /** @param {CalledNumber} called */
  put(called) {
    const key = `${called.department} ${called.number} ${called.placed_at}`;
    this.old.delete(key);
    if (called.number !== null && SHOWN.has(called.state)) this.states.set(key, called);
    else this.states.delete(key);
  }

  values() {
    return this.states.values();
  }

  /** What is known of a department may be void. @param {string} department */
  age(department) {
    for (const [key, called] of this.states) if (called.department === department) this.old.add(key);
  }

  /**
   * Everything that still is has come again, but for that of departments that are away.
   *
   * @param {Set<string>} away
   */
  forgetOld(away) {
    for (const key of this.old) {
      if (away.has(this.states.get(key)?.department ?? "")) continue;
      this.states.delete(key);
      this.old.delete(key);
    }
  }
}
