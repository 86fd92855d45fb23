/**
 * The server's clock, learned from ticks. The device's own time of day is never used: it may be hours wrong.
 *
 * A tick arrives late by its way here, never early, so of the last ticks the one that says the latest time is right.
 */

const KEPT = 12;
const JUMP_MS = 2000;

export class Clock {
  /**
   * @param {number} nowMs the server's clock when the document was made
   * @param {() => number} elapsed milliseconds that have passed, such as performance.now
   */
  constructor(nowMs, elapsed = () => performance.now()) {
    this.elapsed = elapsed;
    /** @type {number[]} */
    this.offsets = [nowMs - elapsed()];
  }

  /**
   * Take in the server's clock.
   *
   * @param {number} nowMs
   */
  learn(nowMs) {
    const offset = nowMs - this.elapsed();
    if (Math.abs(offset - this.offset) > JUMP_MS) this.offsets = [];
    this.offsets.push(offset);
    if (this.offsets.length > KEPT) this.offsets.shift();
  }

  get offset() {
    return Math.max(...this.offsets);
  }

  /** Return the server's clock, in milliseconds since 1970. */
  now() {
    return this.elapsed() + this.offset;
  }
}
