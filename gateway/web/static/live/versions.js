/**
 * States by key, of which the one with the highest revision counts.
 *
 * Revisions before and after a reset of a department are not comparable: `age` makes what is known old, so that
 * anything replaces it, and `forgetOld` removes what nothing has replaced.
 *
 * @template {{department: string, revision: number}} T
 */
export class Versions {
  /** @param {(state: T) => string} keyOf */
  constructor(keyOf) {
    this.keyOf = keyOf;
    /** @type {Map<string, T>} */
    this.states = new Map();
    /** @type {Set<string>} */
    this.old = new Set();
  }

  /**
   * Keep a state, unless a newer one is known; returns whether it was kept.
   *
   * @param {T} state
   */
  put(state) {
    const key = this.keyOf(state);
    const known = this.states.get(key);
    if (known && !this.old.has(key) && known.revision > state.revision) return false;
    this.old.delete(key);
    this.states.delete(key);
    this.states.set(key, state);
    return true;
  }

  /** @param {string} key */
  get(key) {
    return this.states.get(key);
  }

  values() {
    return this.states.values();
  }

  get size() {
    return this.states.size;
  }

  /**
   * Make all that is known of a department old.
   *
   * @param {string} department
   */
  age(department) {
    for (const [key, state] of this.states) if (state.department === department) this.old.add(key);
  }

  /**
   * Remove what is old; not that of departments of which nothing newer can be known.
   *
   * @param {Set<string>} [away] departments
   */
  forgetOld(away = new Set()) {
    for (const key of this.old) {
      if (away.has(this.states.get(key)?.department ?? "")) continue;
      this.states.delete(key);
      this.old.delete(key);
    }
  }

  /**
   * Keep at most so many states of a kind of a department: those that changed last.
   *
   * @param {string} department
   * @param {(state: T) => boolean} isCounted
   * @param {number} most
   */
  limit(department, isCounted, most) {
    const keys = [];
    for (const [key, state] of this.states) if (state.department === department && isCounted(state)) keys.push(key);
    for (const key of keys.slice(0, Math.max(0, keys.length - most))) {
      this.states.delete(key);
      this.old.delete(key);
    }
  }
}
