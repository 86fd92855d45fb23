/** What the board shows, by a clock of its own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { FADE_MS, halves } from "../../gateway/web/static/board/numbers.js";
import { Numbers } from "../../gateway/web/static/live/numbers.js";

/** @import { CalledNumber, TicketState } from "../../gateway/web/static/live/states.js" */

const T0 = Date.parse("2026-05-01T12:00:00Z");
const STAYS_MS = 10 * 60_000;

/**
 * @param {number | null} number
 * @param {TicketState} state
 * @param {Partial<CalledNumber>} [more]
 * @returns {CalledNumber}
 */
const called = (number, state, more = {}) => ({
  department: "bar",
  number,
  state,
  placed_at: "2026-05-01T12:00:00Z",
  ready_at: state === "ready" ? "2026-05-01T12:05:00Z" : null,
  ...more,
});

const READY_MS = T0 + 5 * 60_000;

test("a number is ready when all of it is", () => {
  const parts = [called(7, "ready"), called(7, "preparing", { department: "kitchen" })];
  assert.deepEqual(halves(parts, READY_MS, STAYS_MS), { making: [7], ready: [] });
  const { making, ready } = halves([parts[0], called(7, "ready", { department: "kitchen" })], READY_MS, STAYS_MS);
  assert.deepEqual(
    [making, ready.map(({ number, departments }) => [number, departments])],
    [[], [[7, ["bar", "kitchen"]]]],
  );
});

test("the oldest is made first, and what became ready last is called first", () => {
  const parts = [
    called(3, "queued", { placed_at: "2026-05-01T12:03:00Z" }),
    called(2, "preparing"),
    called(8, "ready"),
    called(9, "ready", { ready_at: "2026-05-01T12:06:00Z" }),
  ];
  const { making, ready } = halves(parts, READY_MS, STAYS_MS);
  assert.deepEqual(making, [2, 3]);
  assert.deepEqual(
    ready.map(({ number }) => number),
    [9, 8],
  );
});

test("a ready number that nobody serves fades, and leaves", () => {
  const at = (/** @type {number} */ ms) => halves([called(7, "ready")], READY_MS + ms, STAYS_MS).ready;
  assert.deepEqual(
    at(STAYS_MS - 1).map(({ isFading }) => isFading),
    [false],
  );
  assert.deepEqual(
    at(STAYS_MS).map(({ isFading }) => isFading),
    [true],
  );
  assert.deepEqual(at(STAYS_MS + FADE_MS), []);
});

test("a number that is made for hours was forgotten", () => {
  assert.deepEqual(halves([called(7, "queued")], T0 + 4 * 3600_000, STAYS_MS).making, []);
});

test("what is served, cancelled or has no number is not kept", () => {
  const numbers = new Numbers();
  for (const each of [called(1, "ready"), called(2, "queued"), called(3, "preparing"), called(null, "ready")])
    numbers.put(each);
  numbers.put(called(1, "served"));
  numbers.put(called(2, "cancelled"));
  assert.deepEqual(
    [...numbers.values()].map(({ number }) => number),
    [3],
  );
});

test("after a reset what does not come again is gone, but for that of a department that is away", () => {
  const numbers = new Numbers();
  for (const each of [called(1, "queued"), called(2, "queued"), called(3, "queued", { department: "kitchen" })])
    numbers.put(each);
  numbers.age("bar");
  numbers.age("kitchen");
  numbers.put(called(2, "queued"));
  numbers.forgetOld(new Set(["kitchen"]));
  assert.deepEqual([...numbers.values()].map(({ number }) => number).sort(), [2, 3]);
});
