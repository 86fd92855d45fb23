/** Makes a part of a page anew only where what it is made of has changed. */

import { Directive, directive } from "../vendor/lit/directive.js";
import { noChange } from "../vendor/lit/lit-html.js";

class Kept extends Directive {
  /** @type {readonly unknown[] | undefined} */
  before;

  /**
   * @param {readonly unknown[]} of all that `make` reads and that may change, always in the same order
   * @param {() => unknown} make
   */
  render(of, make) {
    const { before } = this;
    if (before?.length === of.length && before.every((value, index) => Object.is(value, of[index]))) return noChange;
    this.before = of;
    return make();
  }
}

/** Return what `make` returns; where it is all `of` the same as before, the part stays as it is. */
export const kept = directive(Kept);
