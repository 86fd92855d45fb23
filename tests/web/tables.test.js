/** What those who serve see: tickets by table, call-outs, finding, the pass's places, serving and taking it back. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Marks } from "../../gateway/web/static/device/marks.js";
import { DeviceStorage } from "../../gateway/web/static/device/storage.js";
import { byName, openTables } from "../../gateway/web/static/live/tables.js";
import { dishesOf } from "../../gateway/web/static/live/tickets.js";
import { Cards } from "../../gateway/web/static/pass/cards.js";
import { GAP_MS } from "../../gateway/web/static/ui/places.js";
import { calls } from "../../gateway/web/static/waiter/call_banners.js";
import { Callouts, ownOf } from "../../gateway/web/static/waiter/callouts.js";
import { numberIn, ticketOf, wanted } from "../../gateway/web/static/waiter/finding.js";
import { addressOf, readPlace } from "../../gateway/web/static/waiter/place.js";
import { cancelledLine, lineOf, ticketOf as ticket } from "./factories.js";

/** @import { Menu, Ticket } from "../../gateway/web/static/live/states.js" */
/** @import { Call } from "../../gateway/web/static/waiter/callouts.js" */

const T0 = Date.parse("2026-05-01T12:00:00Z");

/** @param {number} minutes */
const at = (minutes) => new Date(T0 + minutes * 60_000).toISOString();

/** @param {Partial<Ticket>} more @returns {Ticket} */
const one = (more) => ticket({ table: "7", number: 123, placed_at: at(0), ...more });

/** @type {Map<string, Menu>} */
const MENUS = new Map([
  ["bar", { department: "bar", titles: {}, items: [], late_seconds: 300, very_late_seconds: 600 }],
]);

/** @param {Ticket[]} tickets @param {number} [minutes] */
const tablesAt = (tickets, minutes = 1) => openTables(tickets, T0 + minutes * 60_000, MENUS);

test("tables have what is open, and what of it is ready and late", () => {
  const tickets = [
    one({ department: "bar", order_id: "a", state: "queued" }),
    one({ department: "kitchen", order_id: "a", state: "ready" }),
    one({ department: "bar", order_id: "b", state: "served" }),
    one({ department: "bar", order_id: "c", state: "preparing", table: null, number: 9 }),
  ];
  const [first, second] = tablesAt(tickets, 6);
  assert.deepEqual(
    [first.key, first.ready.length, first.making.length, first.late.length, first.level],
    ["table 7", 1, 1, 1, "late"],
  );
  assert.deepEqual([second.key, second.name, second.number], ["order c", "", 9]);
  assert.equal(tablesAt(tickets, 11)[0].level, "very-late");
  assert.equal(tablesAt(tickets, 1)[0].level, "");
});

test("tables are sorted as people count them", () => {
  assert.deepEqual(["10", "2", "Terrace 10", "Terrace 2", "1"].sort(byName("en")), [
    "1",
    "2",
    "10",
    "Terrace 2",
    "Terrace 10",
  ]);
});

/** A call about a ticket, not about one of its lines. @param {Ticket} ticket @returns {Call} */
const whole = (ticket) => ({ ticket, place: null });

/** @returns {Callouts} */
const callouts = () => new Callouts(new Marks(new DeviceStorage(null), "read"));

test("what becomes ready is called out once, until somebody has read it", () => {
  const calls = callouts();
  const ready = one({ state: "ready", ready_at: at(1) });
  assert.deepEqual(calls.look([one({ state: "preparing" })], T0), []);
  assert.deepEqual(calls.look([ready], T0 + 60_000), [whole(ready)]);
  assert.deepEqual(calls.look([ready], T0 + 61_000), []);
  assert.deepEqual(calls.list, [whole(ready)]);
  calls.acknowledge(calls.list);
  calls.look([ready], T0 + 62_000);
  assert.deepEqual(calls.list, []);
  const again = one({ state: "ready", ready_at: at(3) }); // after a recall
  assert.deepEqual(calls.look([again], T0 + 180_000), [whole(again)]);
  calls.look([one({ state: "served", ready_at: at(3) })], T0 + 200_000);
  assert.deepEqual(calls.list, []);
});

test("what was ready long before the page was opened is not called out", () => {
  const calls = callouts();
  const [old, recent] = [
    one({ state: "ready", ready_at: at(0) }),
    one({ order_id: "x", state: "ready", ready_at: at(9) }),
  ];
  assert.deepEqual(calls.look([old, recent], T0 + 10 * 60_000), [whole(recent)]);
});

test("a cancel by the staff is called out, one by the guest or by oneself is not", () => {
  const calls = callouts();
  const cancelled = { state: /** @type {const} */ ("cancelled"), cancelled_at: at(1) };
  const byStaff = one({ order_id: "a", ...cancelled, moved_at: at(1) });
  const byGuest = one({ order_id: "b", ...cancelled, moved_at: null });
  const own = one({ order_id: "c", ...cancelled, moved_at: at(1) });
  calls.look([], T0);
  calls.own.add(`${own.department} c`);
  assert.deepEqual(calls.look([byStaff, byGuest, own], T0 + 61_000), [whole(byStaff)]);
});

/** What is left of three lines, of which the first ones are cancelled. @param {number} count @param {Partial<Ticket>} [more] */
const without = (count, more = {}) =>
  one({
    order_id: "a",
    moved_at: at(1),
    lines: ["coffee", "soda", "beer"].map((item, place) => (place < count ? cancelledLine : lineOf)({ item })),
    ...more,
  });

test("a line that the staff cancelled is called out once, until somebody has read it", () => {
  const calls = callouts();
  calls.look([without(0)], T0);
  assert.deepEqual(calls.look([without(1)], T0 + 61_000), [{ ticket: without(1), place: 0 }]);
  assert.deepEqual(calls.look([without(1)], T0 + 62_000), []);
  calls.acknowledge(calls.list);
  assert.deepEqual(calls.look([without(2)], T0 + 63_000), [{ ticket: without(2), place: 1 }]);
  calls.look([without(2, { state: "served" })], T0 + 64_000);
  assert.deepEqual(calls.list, [], "what is served is over");
});

test("a line that was cancelled long before the page was opened is not called out", () => {
  const calls = callouts();
  assert.deepEqual(calls.look([without(1)], T0 + 4 * 60_000), []);
  assert.deepEqual(callouts().look([without(1)], T0 + 2 * 60_000), [{ ticket: without(1), place: 0 }]);
});

test("the cancel of a line from here is not called out, nor that of the last one, which cancels the ticket", () => {
  const calls = callouts();
  const key = `${without(0).department} a`;
  calls.look([without(0)], T0);
  calls.own.add(ownOf(key, 0));
  assert.deepEqual(calls.look([without(1)], T0 + 61_000), []);
  assert.deepEqual(calls.look([without(2)], T0 + 61_000), [{ ticket: without(2), place: 1 }]);
  calls.own.add(ownOf(key, 2));
  const cancelled = without(2, { state: "cancelled", cancelled_at: at(1) });
  assert.deepEqual(calls.look([cancelled], T0 + 62_000), []);
  const theirs = without(1, { state: "cancelled", cancelled_at: at(1) });
  assert.deepEqual(calls.look([theirs], T0 + 63_000), [whole(theirs)], "the station cancelled the rest");
});

test("a ticket that is ready is called out, though somebody here wanted to cancel its last line", () => {
  const calls = callouts();
  calls.look([without(2)], T0);
  calls.own.add(ownOf(`${without(2).department} a`, 2));
  const ready = without(2, { state: "ready", ready_at: at(1) });
  assert.deepEqual(
    calls.look([ready], T0 + 60_000).map(({ place }) => place),
    [null],
  );
});

test("lines of one ticket with one reason are said together", () => {
  const ticket = without(2);
  const other = without(1, { lines: [cancelledLine({ item: "beer", cancel_reason: "spilt" })] });
  const list = [
    { ticket, place: 0 },
    { ticket, place: 1 },
    { ticket: other, place: 0 },
  ];
  const waiter = waiterWith(list, false);
  waiter.shell.t = (/** @type {string} */ key, /** @type {any} */ { dishes, reason } = {}) =>
    `${key}: ${dishes}, ${reason}`;
  assert.deepEqual(
    calls(waiter).map(({ text, kind }) => [text, kind]),
    [
      ["waiter.call_line: 1 × coffee, 1 × soda, none left", "bad"],
      ["waiter.call_line: 1 × beer, spilt", "bad"],
    ],
  );
});

test("what was cancelled is read one by one, and of what is ready a few; fewer while somebody orders", () => {
  const tickets = [
    ...["a", "b", "c", "d"].map((order_id) => one({ order_id, state: "ready" })),
    ...["e", "f", "g"].map((order_id) => one({ order_id, state: "cancelled" })),
  ];
  const texts = (/** @type {boolean} */ isOrdering) =>
    calls(waiterWith(tickets.map(whole), isOrdering)).map(({ text }) => text);
  const cancelled = ["waiter.call_cancelled", "waiter.call_cancelled", "waiter.call_cancelled"];
  assert.deepEqual(texts(false), [...cancelled, "waiter.call_ready", "waiter.call_ready", "waiter.call_more 2"]);
  assert.deepEqual(texts(true), [...cancelled, "waiter.call_ready", "waiter.call_more 3"]);
});

/**
 * A waiter's page with call-outs.
 *
 * @param {Call[]} list
 * @param {boolean} isOrdering
 * @returns {any}
 */
const waiterWith = (list, isOrdering) => ({
  callouts: { list },
  sound: { isBlocked: true },
  place: { isOrdering },
  titles: {
    department: String,
    dish: (/** @type {string} */ _, /** @type {any} */ { quantity, item }) => `${quantity} × ${item}`,
  },
  nameOf: () => "Table 7",
  shell: { t: (/** @type {string} */ key, /** @type {any} */ { count = "" } = {}) => `${key} ${count}`.trim() },
});

test("a tile counts dishes, and none that was cancelled", () => {
  const [table] = tablesAt([one({}), one({ order_id: "x", state: "ready" }), one({ order_id: "y", state: "ready" })]);
  assert.deepEqual([dishesOf(table.making), dishesOf(table.ready), dishesOf(table.late)], [3, 6, 0]);
  assert.equal(dishesOf([without(1), without(2)]), 3);
});

test("a table is found by the beginning of its name, of a word of it, or of a number", () => {
  const table = { name: "Terrace 12", tickets: [one({ number: 217 })] };
  for (const text of ["", "terr", "12", "1", "217", "21"]) assert.ok(wanted(table, text), text);
  for (const text of ["17", "race", "9"]) assert.ok(!wanted(table, text), text);
});

test("a text can be an order's number from 100 on", () => {
  assert.deepEqual(["217", "#217", " 1024 ", "12", "099", "7a", ""].map(numberIn), [
    217,
    217,
    1024,
    null,
    null,
    null,
    null,
  ]);
});

test("an open ticket of a number comes before a closed one", () => {
  const [old, open] = [one({ order_id: "a", state: "served" }), one({ order_id: "b", state: "queued" })];
  assert.equal(ticketOf([old, open], 123), open);
  assert.equal(ticketOf([old], 123), old);
  assert.equal(ticketOf([old], 124), undefined);
});

test("a place and its address are the same", () => {
  for (const address of ["/waiter", "/waiter?table=Terrace%201", "/waiter?table=7&new=1", "/waiter?order=abc"])
    assert.equal(addressOf(readPlace(new URL(address, "http://x").search)), address);
});

test("a table that was served keeps its place on the pass for a moment, and a card stays where it is", () => {
  const cards = new Cards();
  const [first, second] = [
    one({ order_id: "a", table: "1", placed_at: at(0) }),
    one({ order_id: "b", table: "2", placed_at: at(1) }),
  ];
  const later = one({ order_id: "c", table: "1", placed_at: at(2) });
  const keys = (/** @type {Ticket[]} */ tickets, /** @type {number} */ now) =>
    cards.update(tablesAt(tickets), now).map(({ key, until }) => `${key}${until === null ? "" : " leaves"}`);
  assert.deepEqual(keys([first, second, later], 0), ["table 1", "table 2"]);
  assert.deepEqual(keys([second, later], 10), ["table 1", "table 2"]); // the oldest of table 1 is served
  assert.deepEqual(keys([second], 20), ["table 1 leaves", "table 2"]);
  assert.deepEqual(keys([second], 20 + GAP_MS - 1), ["table 1 leaves", "table 2"]);
  assert.deepEqual(keys([second], 2 * GAP_MS), ["table 2"]);
});
