/** The store, with streams as the gateway sends them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../../gateway/web/static/live/clock.js";
import { STALE_MS, Store } from "../../gateway/web/static/live/store.js";
import { ticketOf } from "./factories.js";
import { readStream } from "./streams.js";

/** A store, and a way to let time pass. */
function newStore() {
  const time = { ms: 1000 };
  const clock = new Clock(1_000_000, () => time.ms);
  const store = new Store({ clock, schedule: (run) => run() });
  return { store, time };
}

test("a recorded stream becomes tickets, stock, menus and orders", () => {
  const { store } = newStore();
  for (const { kind, data } of readStream("evening.txt")) store.take(kind, data);
  assert.equal(store.isComplete, true);
  assert.deepEqual(
    store.ticketsOf("kitchen").map(({ number, state }) => [number, state]),
    [[772, "preparing"]],
  );
  assert.equal(store.stock.get("bar coffee")?.on_hand, 8);
  assert.equal(store.menus.get("kitchen")?.late_seconds, 1200);
  assert.equal([...store.orders.values()][0].number, 772);
  assert.deepEqual(store.away(), []);
});

test("a guest's page learns what can be had", () => {
  const { store } = newStore();
  store.take("item", { department: "bar", item: "coffee", available: 3, on_sale: true });
  store.take("item", { department: "bar", item: "coffee", available: 2, on_sale: false });
  assert.deepEqual(
    [...store.items.values()].map(({ available, on_sale }) => [available, on_sale]),
    [[2, false]],
  );
});

test("a state that is older than the known one changes nothing", () => {
  const { store } = newStore();
  store.take("ticket", ticketOf({ state: "preparing", revision: 5 }));
  store.take("ticket", ticketOf({ state: "queued", revision: 4 }));
  assert.equal(store.ticketsOf()[0].state, "preparing");
});

test("after a reset the old states stay until the tick, then only those that came again", () => {
  const { store } = newStore();
  store.take("ticket", ticketOf({ order_id: "a", revision: 90 }));
  store.take("ticket", ticketOf({ order_id: "b", revision: 91 }));
  store.take("reset", { departments: ["bar"] });
  assert.equal(store.ticketsOf().length, 2, "nothing flickers");
  store.take("ticket", ticketOf({ order_id: "b", revision: 3 }));
  store.take("tick", { now_ms: 1_000_000, departments: {} });
  assert.deepEqual(
    store.ticketsOf().map((ticket) => [ticket.order_id, ticket.revision]),
    [["b", 3]],
  );
});

test("a reset of one department leaves the others alone", () => {
  const { store } = newStore();
  store.take("ticket", ticketOf({ department: "bar" }));
  store.take("ticket", ticketOf({ department: "kitchen" }));
  store.take("reset", { departments: ["bar"] });
  store.take("tick", { now_ms: 1_000_000, departments: {} });
  assert.deepEqual(
    store.ticketsOf().map((ticket) => ticket.department),
    ["kitchen"],
  );
});

test("a page that misses ticks says since when it is out of date", () => {
  const { store, time } = newStore();
  store.take("tick", { now_ms: 2_000_000, departments: {} });
  time.ms += STALE_MS;
  assert.equal(store.staleSince(), null);
  time.ms += 1;
  assert.equal(store.staleSince(), 2_000_000);
  store.take("tick", { now_ms: 2_020_000, departments: {} });
  assert.equal(store.staleSince(), null);
});

test("a page that was kept on the device is out of date at once, until the first tick", () => {
  const store = new Store({ clock: new Clock(1_000_000, () => 0), schedule: (run) => run(), isKept: true });
  assert.equal(store.staleSince(), 1_000_000);
  store.take("tick", { now_ms: 5_000_000, departments: {} });
  assert.equal(store.staleSince(), null);
});

test("a department that is away is named", () => {
  const { store } = newStore();
  store.take("department", { name: "bar", state: "unreachable", since: "2026-05-01T12:00:00.000Z" });
  store.take("department", { name: "kitchen", state: "open", since: "2026-05-01T12:00:00.000Z" });
  assert.deepEqual(
    store.away().map(({ name }) => name),
    ["bar"],
  );
});

test("tickets are in the order in which they were placed, whatever changed last", () => {
  const { store } = newStore();
  store.take("ticket", ticketOf({ order_id: "b", placed_at: "2026-05-01T12:00:02.000Z" }));
  store.take("ticket", ticketOf({ order_id: "a", placed_at: "2026-05-01T12:00:01.000Z" }));
  store.take("ticket", ticketOf({ order_id: "b", placed_at: "2026-05-01T12:00:02.000Z", revision: 9 }));
  assert.deepEqual(
    store.ticketsOf().map((ticket) => ticket.order_id),
    ["a", "b"],
  );
});

test("the closed tickets that are kept are the last 200", () => {
  const { store } = newStore();
  store.take("ticket", ticketOf({ order_id: "open", revision: 1 }));
  for (let n = 0; n < 1000; n++) store.take("ticket", ticketOf({ order_id: `${n}`, state: "served", revision: 2 + n }));
  assert.equal(store.tickets.size, 201);
  assert.ok(store.tickets.get("bar open"));
  assert.equal(store.tickets.get("bar 799"), undefined);
});

test("subscribers are called once for many changes", () => {
  /** @type {(() => void)[]} */
  const scheduled = [];
  const store = new Store({ clock: new Clock(0, () => 0), schedule: (run) => scheduled.push(run) });
  let calls = 0;
  const end = store.subscribe(() => calls++);
  for (let n = 0; n < 5; n++) store.take("ticket", ticketOf({ revision: n }));
  assert.equal(scheduled.length, 1);
  scheduled[0]();
  assert.equal(calls, 1);
  end();
  store.take("ticket", ticketOf({ revision: 9 }));
  scheduled[1]();
  assert.equal(calls, 1);
});

test("what is known of a department that is away stays, also after a reset, until it is back", () => {
  const { store } = newStore();
  store.take("ticket", ticketOf({ order_id: "a", revision: 5 }));
  store.take("tick", { now_ms: 0, departments: { bar: 5 } });
  store.take("reset", { departments: ["bar"] });
  store.take("department", { name: "bar", state: "unreachable", since: "2026-05-01T12:00:00.000Z" });
  store.take("tick", { now_ms: 0, departments: {} });
  assert.equal(store.ticketsOf("bar").length, 1);
  store.take("reset", { departments: ["bar"] });
  store.take("department", { name: "bar", state: "open", since: "2026-05-01T12:01:00.000Z" });
  store.take("tick", { now_ms: 0, departments: { bar: 1 } });
  assert.equal(store.ticketsOf("bar").length, 0);
});
