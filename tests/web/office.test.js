/** Parts of the office that need no browser: files for spreadsheets, hours, what needs attention, the law of the stock. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Clock } from "../../gateway/web/static/live/clock.js";
import { Store } from "../../gateway/web/static/live/store.js";
import { openTickets, wantOf } from "../../gateway/web/static/office/glance.js";
import { hoursOf } from "../../gateway/web/static/office/hours.js";
import { shortened } from "../../gateway/web/static/office/labels.js";
import { keepsLaw } from "../../gateway/web/static/office/law.js";
import { csvOf } from "../../gateway/web/static/ui/csv.js";
import { ticketOf } from "./factories.js";

const STOCK = {
  department: "bar",
  item: "coffee",
  received: 20,
  on_hand: 12,
  held: 1,
  sold: 5,
  wasted: 2,
  revision: 1,
};

/** @param {object} given */
const stockOf = (given) => ({ ...STOCK, on_sale: true, unlimited: false, ...given });

test("a label that would reach the value beside it ends earlier", () => {
  assert.equal(shortened("Pasta", 100), "Pasta");
  assert.equal(shortened("Slow-roasted pork, smoked aubergine", 100), "Slow-roaste…");
  assert.equal(shortened("훈제 가지를 곁들인 돼지 어깨살", 100), "훈제 가지를…");
  assert.equal(shortened("", 10), "");
});

test("a ticket that is held is not open yet", () => {
  const store = new Store({ clock: new Clock(0, () => 0), schedule: (run) => run() });
  for (const state of /** @type {const} */ (["held", "queued", "served"]))
    store.take("ticket", ticketOf({ order_id: state, state }));
  assert.deepEqual(
    openTickets({ store }).map(({ ticket }) => ticket.state),
    ["queued"],
  );
});

test("a file begins with the mark of its encoding, and quotes what has to be", () => {
  assert.equal(csvOf([["김치", 'say "hot"', "a,b", 3, null]]), '\ufeff김치,"say ""hot""","a,b",3,\r\n');
});

test("no cell of a file starts a formula", () => {
  for (const start of ["=", "+", "-", "@", "\t", "\r", "\n"]) {
    const [cell] = csvOf([[`${start}1`]])
      .slice(1)
      .split("\r\n", 1);
    assert.match(cell, /^"?'/, JSON.stringify(start));
  }
});

test("hours in which nothing was sold stand between the others", () => {
  const figure = (/** @type {string} */ hour) => ({
    day: null,
    hour,
    department: null,
    item: null,
    quantity: 1,
    total: 100,
  });
  const hours = hoursOf([figure("2026-05-01T18:00+02:00"), figure("2026-05-01T21:00+02:00")]);
  assert.deepEqual(
    hours.map(({ total }) => total),
    [100, 0, 0, 100],
  );
  assert.deepEqual(hoursOf([]), []);
});

test("an item needs attention when it is off sale, sold out or low", () => {
  assert.equal(wantOf(stockOf({})), null);
  assert.equal(wantOf(stockOf({ on_hand: 5 })), "low");
  assert.equal(wantOf(stockOf({ on_hand: 0 })), "sold_out");
  assert.equal(wantOf(stockOf({ on_hand: 0, on_sale: false })), "off_sale");
  assert.equal(wantOf(stockOf({ on_hand: 0, unlimited: true })), null);
});

test("the law is received = on hand + held + sold + wasted", () => {
  assert.ok(keepsLaw(stockOf({})));
  assert.ok(!keepsLaw(stockOf({ sold: 6 })));
  assert.ok(keepsLaw(stockOf({ on_hand: 0, unlimited: true })));
});

test("a ticket is late after its department's time, unless it is ready", () => {
  const now = Date.parse("2026-05-01T12:06:00Z");
  const store = new Store({ clock: new Clock(now, () => 0), schedule: () => {} });
  store.take("menu", { department: "bar", titles: {}, items: [], late_seconds: 300, very_late_seconds: 600 });
  store.take("ticket", ticketOf({ order_id: "a" }));
  store.take("ticket", ticketOf({ order_id: "b", state: "ready" }));
  store.take("ticket", ticketOf({ order_id: "c", placed_at: "2026-05-01T12:05:00.000Z" }));
  store.take("ticket", ticketOf({ order_id: "d", state: "served" }));
  const found = openTickets({ store }).map(({ ticket, isLate, lateMs }) => [ticket.order_id, isLate, lateMs]);
  assert.deepEqual(found, [
    ["a", true, 60_000],
    ["b", false, 0],
    ["c", false, 0],
  ]);
});
