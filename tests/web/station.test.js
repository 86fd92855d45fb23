/** What a station shows, in which order, and what it notices; without a browser. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Marks } from "../../gateway/web/static/device/marks.js";
import { DeviceStorage } from "../../gateway/web/static/device/storage.js";
import { Clock } from "../../gateway/web/static/live/clock.js";
import { Store } from "../../gateway/web/static/live/store.js";
import {
  allDay,
  hasCard,
  keyOf,
  lastClosed,
  levelOf,
  linesOf,
  standingOf,
} from "../../gateway/web/static/live/tickets.js";
import { Moves } from "../../gateway/web/static/moves/moves.js";
import { Queue } from "../../gateway/web/static/moves/queue.js";
import { Arrivals } from "../../gateway/web/static/station/arrivals.js";
import { Board } from "../../gateway/web/static/station/board.js";
import { meaningOf } from "../../gateway/web/static/station/keys.js";
import { Steps } from "../../gateway/web/static/station/steps.js";
import { changeOf } from "../../gateway/web/static/station/stock_change.js";
import { GAP_MS } from "../../gateway/web/static/ui/places.js";
import { cancelledLine, lineOf, ticketOf } from "./factories.js";

/** @import { Menu, Stock, Ticket } from "../../gateway/web/static/live/states.js" */

const NOW = Date.parse("2026-05-01T12:10:00.000Z");
const MENU = /** @type {Menu} */ ({
  department: "bar",
  titles: {},
  items: [],
  late_seconds: 600,
  very_late_seconds: 900,
});

/** @param {number} id @param {Partial<Ticket>} [given] */
const numbered = (id, given = {}) =>
  ticketOf({ order_id: `order-${id}`, number: id, placed_at: `2026-05-01T12:0${id}:00.000Z`, ...given });

const newMarks = (storage = new DeviceStorage(null)) => new Marks(storage, "marks");

/** @param {import("../../gateway/web/static/station/board.js").Place[]} places */
const numbers = (places) =>
  places.map(({ value: ticket, until }) => (until === null ? ticket.number : `(${ticket.number})`));

test("the oldest is first, a new one comes at the end, and one that leaves leaves a gap for a moment", () => {
  const board = new Board();
  assert.deepEqual(numbers(board.update([numbered(2), numbered(1)], 0)), [1, 2]);
  assert.deepEqual(numbers(board.update([numbered(2), numbered(3)], 0)), ["(1)", 2, 3]);
  assert.deepEqual(numbers(board.update([numbered(2), numbered(3)], GAP_MS - 1)), ["(1)", 2, 3]);
  assert.deepEqual(numbers(board.update([numbered(2), numbered(3)], GAP_MS)), [2, 3]);
});

test("cards that leave within a moment leave at once, so that the others move once", () => {
  const board = new Board();
  board.update(
    [1, 2, 3, 4].map((number) => numbered(number)),
    0,
  );
  board.update(
    [2, 3, 4].map((number) => numbered(number)),
    10,
  );
  board.update([numbered(3), numbered(4)], 400);
  assert.deepEqual(numbers(board.update([numbered(3), numbered(4)], 10 + GAP_MS)), ["(1)", "(2)", 3, 4]);
  assert.deepEqual(numbers(board.update([numbered(3), numbered(4)], GAP_MS * 1.5)), [3, 4]);
});

test("a ticket that comes back finds its place", () => {
  const board = new Board();
  board.update([numbered(1), numbered(2)], 0);
  board.update([numbered(2)], 0);
  assert.deepEqual(numbers(board.update([numbered(1), numbered(2)], 100)), [1, 2]);
  board.update([numbered(2)], 200);
  board.update([numbered(2)], 10_000);
  assert.deepEqual(numbers(board.update([numbered(1), numbered(2)], 10_001)), [1, 2]);
});

test("a ticket is late by its department's limits", () => {
  const late = (/** @type {string} */ placed_at) => levelOf(ticketOf({ placed_at }), NOW, MENU);
  assert.equal(late("2026-05-01T12:00:00.001Z"), "");
  assert.equal(late("2026-05-01T12:00:00.000Z"), "late");
  assert.equal(late("2026-05-01T11:55:00.000Z"), "very-late");
  assert.equal(levelOf(ticketOf(), NOW, { ...MENU, late_seconds: null, very_late_seconds: null }), "");
  assert.equal(levelOf(ticketOf({ state: "cancelled" }), NOW, MENU), "");
});

test("what is held has a card only if it lasts, or had one", () => {
  const seen = newMarks();
  const held = ticketOf({ state: "held", placed_at: "2026-05-01T12:09:58.000Z" });
  assert.equal(hasCard(held, seen, NOW), false);
  assert.equal(hasCard(held, seen, NOW + 10_000), true);
  seen.add(keyOf(held));
  assert.equal(hasCard(held, seen, NOW), true);
});

test("a cancelled ticket keeps its card until somebody acknowledges it, through reloads, where it had one", () => {
  const storage = new DeviceStorage(null);
  const seen = newMarks(storage);
  const arrivals = new Arrivals(seen);
  arrivals.look([numbered(1)], 0);
  const cancelled = numbered(1, { state: "cancelled" });
  assert.deepEqual(arrivals.look([cancelled], 0).cancelled, [cancelled]);
  assert.deepEqual(arrivals.look([cancelled], 0).cancelled, [], "it is said once");
  const reloaded = newMarks(storage);
  assert.equal(hasCard(cancelled, reloaded, NOW), true);
  assert.equal(hasCard(numbered(2, { state: "cancelled" }), reloaded, NOW), false);
  reloaded.delete(keyOf(cancelled));
  assert.equal(hasCard(cancelled, reloaded, NOW), false);
  assert.equal(hasCard(cancelled, newMarks(storage), NOW), false);
});

test("what is new is said once, and what was there at first is not new", () => {
  const storage = new DeviceStorage(null);
  const arrivals = new Arrivals(newMarks(storage));
  assert.deepEqual(arrivals.look([numbered(1)], 0).arrived, []);
  assert.deepEqual(arrivals.look([numbered(1), numbered(2)], 0).arrived, [numbered(2)]);
  assert.deepEqual(arrivals.look([numbered(1), numbered(2)], 0).arrived, []);
  assert.equal(arrivals.classesOf(keyOf(numbered(2)), 100), "is-fresh is-blinking");
  assert.equal(arrivals.classesOf(keyOf(numbered(2)), 10_000), "");
});

test("of many new cards three blink", () => {
  const arrivals = new Arrivals(newMarks(new DeviceStorage(null)));
  arrivals.look([], 0);
  const many = [1, 2, 3, 4, 5].map((number) => numbered(number));
  arrivals.look(many, 0);
  assert.deepEqual(
    many.map((ticket) => arrivals.classesOf(keyOf(ticket), 0).includes("is-blinking")),
    [true, true, true, false, false],
  );
});

test("each page of a browser says what is new: another one may be silent", () => {
  const storage = new DeviceStorage(null);
  const pages = [new Arrivals(newMarks(storage)), new Arrivals(newMarks(storage))];
  for (const page of pages) page.look([], 0);
  for (const page of pages) assert.deepEqual(page.look([numbered(1)], 0).arrived, [numbered(1)]);
});

test("nothing is remembered of tickets that are gone", () => {
  const storage = new DeviceStorage(null);
  const arrivals = new Arrivals(newMarks(storage));
  for (let id = 0; id < 1000; id++) arrivals.look([numbered(id), numbered(id + 1)], id);
  arrivals.look([], 100_000);
  const { seen, fresh, announced, noticed, cancelledLines } = arrivals;
  assert.equal(seen.keys.size + fresh.size + announced.size + noticed.size + cancelledLines.size, 0);
});

test("all-day counts are of what is still to be made", () => {
  const lines = [
    { item: "coffee", quantity: 2, note: "", allergy: false, made: false, outcome: "accepted", unit_price: 1 },
    { item: "soda", quantity: 1, note: "", allergy: false, made: true, outcome: "accepted", unit_price: 1 },
    { item: "beer", quantity: 9, note: "", allergy: false, made: false, outcome: "out_of_stock", unit_price: null },
  ];
  const tickets = [numbered(1, { lines }), numbered(2, { lines, state: "preparing" }), numbered(3, { state: "ready" })];
  assert.deepEqual(allDay(tickets), [{ department: "bar", item: "coffee", quantity: 4, waiting: 2 }]);
  assert.deepEqual(
    linesOf(tickets[0]).map(({ place }) => place),
    [0, 1],
  );
});

test("a line that was cancelled is shown, and is none of what is still to be made", () => {
  const lines = [
    lineOf({ quantity: 2 }),
    cancelledLine({ item: "soda", quantity: 5 }),
    lineOf({ outcome: "off_sale" }),
  ];
  const ticket = numbered(1, { lines });
  const places = (/** @type {{place: number}[]} */ found) => found.map(({ place }) => place);
  assert.deepEqual([places(linesOf(ticket)), places(standingOf(ticket))], [[0, 1], [0]]);
  assert.deepEqual(allDay([ticket]), [{ department: "bar", item: "coffee", quantity: 2, waiting: 2 }]);
});

test("a line that is cancelled is said once, and what was cancelled before a ticket came is no news", () => {
  const arrivals = new Arrivals(newMarks());
  const after = (/** @type {number} */ count, /** @type {Partial<Ticket>} */ more = {}) =>
    numbered(1, { lines: [0, 1, 2].map((place) => (place < count ? cancelledLine() : lineOf())), ...more });
  const news = (/** @type {Ticket} */ ticket) => arrivals.look([ticket], 0).lines;
  assert.deepEqual(news(after(1)), [], "as it was at first");
  assert.deepEqual(news(after(2)), [{ ticket: after(2), line: cancelledLine() }]);
  assert.deepEqual(news(after(2, { state: "preparing" })), []);
  assert.deepEqual(news(after(2, { state: "cancelled" })), []);
  arrivals.look([], 0);
  assert.equal(arrivals.cancelledLines.size, 0);
});

test("the last 50 that were closed can be brought back, the last one first", () => {
  const closed = Array.from({ length: 60 }, (_, index) =>
    ticketOf({ state: "served", order_id: `${index}`, served_at: new Date(NOW + index * 1000).toISOString() }),
  );
  assert.deepEqual(
    lastClosed([...closed, ticketOf()]).map(({ order_id }) => order_id),
    Array.from({ length: 50 }, (_, index) => `${59 - index}`),
  );
});

/** @param {string[]} rights */
function newSteps(rights = ["ticket.move", "ticket.serve"]) {
  let now = 1000;
  const store = new Store({ clock: new Clock(NOW, () => now), schedule: (run) => run() });
  const queue = new Queue(new DeviceStorage(null));
  const never = () => /** @type {Promise<any>} */ (new Promise(() => {}));
  const moves = new Moves({ store, queue, send: never });
  const steps = new Steps({ moves, confirmed: newMarks(), rights, elapsed: () => now });
  const verbs = () => queue.entries().map(({ body }) => body.verb);
  return { steps, verbs, pass: (/** @type {number} */ ms) => (now += ms) };
}

test("an allergy has to be confirmed before the start", () => {
  const { steps, verbs } = newSteps();
  const lines = ticketOf().lines.map((line) => ({ ...line, allergy: true }));
  const ticket = ticketOf({ lines });
  assert.equal(steps.next(ticket), false);
  steps.confirm(ticket, 0);
  assert.equal(steps.next(ticket), false, "each of them");
  steps.confirm(ticket, 1);
  assert.equal(steps.next(ticket), true);
  assert.deepEqual(verbs(), ["start"]);
});

test("the allergy of a line that was cancelled has not to be confirmed", () => {
  const { steps, verbs } = newSteps();
  const ticket = ticketOf({ lines: [lineOf(), cancelledLine({ allergy: true })] });
  assert.deepEqual(steps.unconfirmed(ticket), []);
  assert.equal(steps.next(ticket), true);
  assert.deepEqual(verbs(), ["start"]);
});

test("a double tap takes one step", () => {
  const { steps, verbs, pass } = newSteps();
  assert.equal(steps.next(ticketOf()), true);
  pass(300);
  assert.equal(steps.next(ticketOf()), false);
  pass(700);
  assert.equal(steps.next(ticketOf()), true);
  assert.deepEqual(verbs(), ["start", "finish"]);
});

test("a waiter serves, and does not start", () => {
  const { steps, verbs } = newSteps(["ticket.serve", "ticket.cancel"]);
  assert.equal(steps.next(ticketOf()), false);
  assert.equal(steps.next(ticketOf({ order_id: "other", state: "ready" })), true);
  assert.deepEqual(verbs(), ["serve"]);
});

test("a numpad is a bump bar, with its digits on or off, and R is R on a Korean keyboard", () => {
  const meaning = (/** @type {string} */ key, /** @type {string} */ code) => meaningOf({ key, code });
  assert.equal(meaning("3", "Numpad3"), 3);
  assert.equal(meaning("PageDown", "Numpad3"), 3);
  assert.equal(meaning("3", "Digit3"), 3);
  assert.equal(meaning("0", "Numpad0"), "none");
  assert.equal(meaning("ㄱ", "KeyR"), "recall");
  assert.equal(meaning("-", "NumpadSubtract"), "recall");
  assert.equal(meaning("Enter", "NumpadEnter"), "enter");
  assert.equal(meaning("a", "KeyA"), undefined);
});

test("a count says what was expected; a quantity of nothing changes nothing", () => {
  const stock = /** @type {Stock} */ ({ on_hand: 7 });
  assert.deepEqual(changeOf("count", 0, stock), { reason: "count", count: 0, expected: 7 });
  assert.deepEqual(changeOf("delivery", 24, stock), { reason: "delivery", delta: 24 });
  assert.deepEqual(changeOf("waste", 2, stock), { reason: "waste", delta: -2 });
  assert.equal(changeOf("delivery", 0, stock), undefined);
  assert.equal(changeOf("waste", 1.5, stock), undefined);
});
