/**
 * Tones, made by the browser itself. It plays none before somebody has touched the page, so `unlock` belongs to a tap;
 * until then, and after the device has taken the sound away, `isBlocked` is true and a page has to say so.
 */

/** Each tone is a row of notes: frequency in Hz, when and how long in seconds. @type {Record<string, number[][]>} */
const TONES = {
  ticket: [
    [880, 0, 0.18],
    [1175, 0.2, 0.3],
  ],
  cancelled: [
    [392, 0, 0.25],
    [294, 0.28, 0.25],
    [220, 0.56, 0.45],
  ],
  ready: [
    [784, 0, 0.14],
    [988, 0.15, 0.14],
    [1319, 0.3, 0.4],
  ],
  tap: [[1320, 0, 0.05]],
};

export class Sound {
  /** @param {() => AudioContext} [create] */
  constructor(create = () => new AudioContext()) {
    this.create = create;
    /** @type {AudioContext | undefined} */
    this.context = undefined;
    this.isMuted = false;
    /** @type {() => void} */
    this.changed = () => {};
  }

  /** Whether a tone would not be audible though nobody muted it. */
  get isBlocked() {
    return !this.isMuted && this.context?.state !== "running";
  }

  /** Let tones be audible; call it from a tap. */
  async unlock() {
    if (!this.context) {
      this.context = this.create();
      this.context.onstatechange = () => this.changed();
    }
    await this.context.resume();
    this.changed();
  }

  /** @param {boolean} isMuted */
  mute(isMuted) {
    this.isMuted = isMuted;
    this.changed();
  }

  /**
   * Play a tone.
   *
   * @param {"ticket" | "cancelled" | "ready" | "tap"} name
   */
  play(name) {
    const { context } = this;
    if (this.isMuted || !context || context.state !== "running") return;
    for (const [frequency, at, seconds] of TONES[name]) playNote(context, frequency, context.currentTime + at, seconds);
  }
}

/**
 * @param {AudioContext} context
 * @param {number} frequency
 * @param {number} at
 * @param {number} seconds
 */
function playNote(context, frequency, at, seconds) {
  const oscillator = new OscillatorNode(context, { type: "triangle", frequency });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.5, at + 0.01);
  gain.gain.exponentialRampToValueAtTime(0.001, at + seconds);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + seconds);
}
