/** Lets a page that many changes reach draw them together, ten times a second; what somebody does here shows at once. */

/** @import { Store } from "./store.js" */

/** How long the page waits after it was drawn. */
const PACE_MS = 100;

/** For how long after a tap or a key the page waits for nothing. */
const HURRY_MS = 100;

const later = (/** @type {() => void} */ run, /** @type {number} */ ms) => void setTimeout(run, ms);

const DEEDS = ["pointerup", "click", "keydown", "input"];

/**
 * @param {Store} store whose subscribers draw
 * @param {Document} page
 * @param {() => number} elapsed milliseconds
 * @param {(run: () => void, ms: number) => void} after
 */
export function pace(store, page = document, elapsed = () => performance.now(), after = later) {
  const soon = store.schedule;
  let drawn = -PACE_MS;
  let done = -HURRY_MS;
  /** @type {(() => void) | undefined} */
  let waiting;
  const go = () => {
    const run = waiting;
    waiting = undefined;
    if (run) soon(run);
  };
  store.schedule = (run) => {
    waiting = () => {
      drawn = elapsed();
      run();
    };
    const isHurried = page.hidden || elapsed() - done < HURRY_MS;
    const wait = isHurried ? 0 : drawn + PACE_MS - elapsed();
    if (wait > 0) after(go, wait);
    else go();
  };
  for (const kind of DEEDS)
    page.addEventListener(
      kind,
      () => {
        done = elapsed();
        go();
      },
      { capture: true },
    );
}
