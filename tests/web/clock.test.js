/** The clock, which is the server's whatever the device's is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../../gateway/web/static/live/clock.js";

test("between ticks time passes as the device measures it", () => {
  let ms = 50;
  const clock = new Clock(1_000_000, () => ms);
  ms += 1234;
  assert.equal(clock.now(), 1_001_234);
});

test("of ticks that were delayed on their way the quickest counts", () => {
  let ms = 0;
  const clock = new Clock(1_000_000, () => ms);
  for (const delay of [300, 20, 500, 90]) {
    ms += 5000;
    clock.learn(1_000_000 + ms - delay + 40);
  }
  assert.equal(clock.now() - (1_000_000 + ms), 20);
});

test("a clock that the server sets is followed at once, ahead and back", () => {
  let ms = 0;
  const clock = new Clock(1_000_000, () => ms);
  for (const set of [5_000_000, 400_000]) {
    ms += 5000;
    clock.learn(set);
    assert.equal(clock.now(), set);
  }
});
