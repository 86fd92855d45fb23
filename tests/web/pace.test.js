/** How often a page that many changes reach is drawn, by a clock of its own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../../gateway/web/static/live/clock.js";
import { pace } from "../../gateway/web/static/live/pace.js";
import { Store } from "../../gateway/web/static/live/store.js";

/** Return a store whose page is drawn by hand, and what moves its time on. */
function paced() {
  let now = 0;
  let drawn = 0;
  /** @type {{at: number, run: () => void}[]} */
  let timers = [];
  const page = Object.assign(new EventTarget(), { hidden: false });
  const store = new Store({ clock: new Clock(0, () => now), schedule: (run) => run() });
  const after = (/** @type {() => void} */ run, /** @type {number} */ ms) => void timers.push({ at: now + ms, run });
  pace(store, /** @type {any} */ (page), () => now, after);
  store.subscribe(() => drawn++);
  /** @param {number} ms */
  const pass = (ms) => {
    now += ms;
    const due = timers.filter(({ at }) => at <= now);
    timers = timers.filter(({ at }) => at > now);
    for (const { run } of due) run();
  };
  return { store, page, pass, drawn: () => drawn };
}

test("the first change is drawn at once, and those that follow ten times a second", () => {
  const { store, pass, drawn } = paced();
  store.notify();
  assert.equal(drawn(), 1);
  for (let ms = 0; ms < 1000; ms += 5) {
    pass(5);
    store.notify();
  }
  assert.equal(drawn(), 11);
});

test("a change is drawn within a tenth of a second, also where none follows", () => {
  const { store, pass, drawn } = paced();
  store.notify();
  pass(10);
  store.notify();
  pass(89);
  assert.equal(drawn(), 1);
  pass(1);
  assert.equal(drawn(), 2);
  pass(1000);
  assert.equal(drawn(), 2);
});

test("what somebody does here shows at once", () => {
  const { store, page, pass, drawn } = paced();
  store.notify();
  pass(10);
  page.dispatchEvent(new Event("click"));
  store.notify();
  assert.equal(drawn(), 2);
  pass(50);
  store.notify();
  assert.equal(drawn(), 3);
});

test("a tap draws what waited for its turn", () => {
  const { store, page, pass, drawn } = paced();
  store.notify();
  pass(10);
  store.notify();
  page.dispatchEvent(new Event("keydown"));
  assert.equal(drawn(), 2);
  pass(1000);
  assert.equal(drawn(), 2);
});

test("a page that nobody sees waits for nothing: its timers are late enough", () => {
  const { store, page, drawn } = paced();
  page.hidden = true;
  for (let count = 0; count < 3; count++) store.notify();
  assert.equal(drawn(), 3);
});
