/** Knows whether a finger or a mouse button is down: then nothing on the screen may move. */

/** A pointer whose end the browser did not tell holds the screen no longer than this. */
const LONGEST_MS = 4000;

let downSince = 0;
/** @type {Set<() => void>} */
const waiting = new Set();

/** Whether a pointer is down. */
export const isPointerDown = () => downSince > 0 && performance.now() - downSince < LONGEST_MS;

/**
 * Call a function each time a pointer is up again, after the tap was handled.
 *
 * @param {() => void} run
 */
export function onPointerUp(run) {
  waiting.add(run);
}

const isUp = () => {
  downSince = 0;
  setTimeout(() => {
    for (const run of waiting) run();
  });
};

if (typeof window !== "undefined") {
  window.addEventListener("pointerdown", () => (downSince = performance.now()), { capture: true });
  for (const kind of ["pointerup", "pointercancel"]) window.addEventListener(kind, isUp, { capture: true });
}
