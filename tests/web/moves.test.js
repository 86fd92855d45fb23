/** Moves: kept until there was a response, sent in order, and what became of them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceStorage } from "../../gateway/web/static/device/storage.js";
import { Clock } from "../../gateway/web/static/live/clock.js";
import { Store } from "../../gateway/web/static/live/store.js";
import { cancelledBefore } from "../../gateway/web/static/moves/cancelled_before.js";
import { Moves } from "../../gateway/web/static/moves/moves.js";
import { Queue } from "../../gateway/web/static/moves/queue.js";
import { cancelledLine, lineOf, ticketOf } from "./factories.js";

/** @import { Result } from "../../gateway/web/static/moves/moves.js" */
/** @import { Reply } from "../../gateway/web/static/moves/send.js" */

/** @param {number} status @param {any} [body] @returns {Reply} */
const reply = (status, body = null) => ({ status, body, isFinal: ![0, 401, 503].includes(status), retryMs: 1000 });

/** @param {Reply[]} replies @param {DeviceStorage} [storage] */
function newMoves(replies, storage = new DeviceStorage(null)) {
  const store = new Store({ clock: new Clock(0, () => 0), schedule: (run) => run() });
  /** @type {{method: string, path: string, body: any}[]} */
  const sent = [];
  /** @type {Result[]} */
  const results = [];
  /** @type {(() => void)[]} */
  const timers = [];
  const moves = new Moves({
    store,
    queue: new Queue(storage),
    send: async (method, path, body) => {
      sent.push({ method, path, body });
      return replies.shift() ?? reply(0);
    },
    after: (run) => timers.push(run),
  });
  moves.onResult((result) => results.push(result));
  return { store, moves, sent, results, timers, storage };
}

/** Let what is waiting for replies go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("a step that was taken is in the store", async () => {
  const after = ticketOf({ state: "preparing", revision: 2 });
  const { moves, store, sent, results } = newMoves([reply(200, after)]);
  moves.move(ticketOf(), "start", { by: "Ada" });
  await settle();
  assert.equal(sent[0].path, "/tickets/bar/8e03978e-40d5-43dd-bc93-6894a57f9324/moves");
  const { step_id, ...body } = sent[0].body;
  assert.deepEqual(body, { verb: "start", expected: "queued", moved_by: "Ada" });
  assert.match(step_id, /^[0-9a-f-]{36}$/);
  assert.equal(store.ticketsOf()[0].state, "preparing");
  assert.equal(results[0].kind, "taken");
  assert.equal(moves.waiting, 0);
});

test("a tap shows at once, and without a network the next step expects what the first leads to", async () => {
  const { moves, sent } = newMoves([]);
  const ticket = ticketOf();
  moves.move(ticket, "start");
  moves.tick(ticket, 1, true);
  await settle();
  const shown = moves.shown(ticket);
  assert.equal(shown.state, "preparing");
  assert.deepEqual(
    shown.lines.map((line) => line.made),
    [false, true],
  );
  moves.move(ticket, "finish");
  assert.equal(moves.queue.entries()[2].body.expected, "preparing");
  await settle();
  assert.equal(new Set(sent.map(({ body }) => body.step_id)).size, 1, "the first one waits, the others behind it");
});

test("the same step is sent again after no response, also by the next page", async () => {
  const { moves, sent, results, storage } = newMoves([reply(0)]);
  moves.move(ticketOf(), "start");
  await settle();
  assert.equal(results[0].kind, "kept");
  const next = newMoves([reply(200, ticketOf({ state: "preparing", revision: 2 }))], storage);
  next.moves.flush();
  await settle();
  assert.deepEqual(next.sent, sent);
  assert.equal(next.moves.waiting, 0);
});

test("a step that somebody else was faster with is overtaken, and what follows is sent all the same", async () => {
  const theirs = ticketOf({ state: "preparing", revision: 7, moved_by: "Bob" });
  const { moves, store, results, sent } = newMoves([reply(409, { ticket: theirs }), reply(200, theirs)]);
  moves.move(ticketOf(), "start");
  moves.tick(ticketOf(), 0, true);
  await settle();
  assert.equal(results[0].kind, "overtaken");
  assert.equal(results[0].reply?.body.ticket.moved_by, "Bob");
  assert.equal(store.ticketsOf()[0].revision, 7);
  assert.equal(sent.length, 2);
});

test("a refusal is told, and does not wait", async () => {
  const { moves, results } = newMoves([reply(403)]);
  moves.setOnSale("bar", "coffee", false);
  await settle();
  assert.equal(results[0].kind, "refused");
  assert.equal(moves.waiting, 0);
});

test("a department that is away does not hold up another", async () => {
  const { moves, sent } = newMoves([reply(503), reply(200, ticketOf({ department: "kitchen", revision: 2 }))]);
  moves.move(ticketOf({ department: "bar" }), "start");
  moves.move(ticketOf({ department: "kitchen" }), "start");
  await settle();
  assert.deepEqual(
    sent.map(({ path }) => path.split("/")[2]),
    ["bar", "kitchen"],
  );
  assert.equal(moves.waiting, 1);
});

test("what was to follow a step that was overtaken is not sent: it might undo what somebody else did", async () => {
  const theirs = ticketOf({ state: "preparing", revision: 7, moved_by: "Bob" });
  const { moves, sent } = newMoves([reply(409, { ticket: theirs })]);
  moves.move(ticketOf(), "start");
  moves.move(ticketOf(), "recall");
  await settle();
  assert.deepEqual(
    sent.map(({ body }) => body.verb),
    ["start"],
  );
  assert.equal(moves.waiting, 0);
});

test("a line's cancel shows at once, and the last line's is the ticket's", async () => {
  const { moves, sent } = newMoves([]);
  const ticket = ticketOf();
  moves.move(ticket, "cancel", { reason: "none left", line: 1 });
  await settle();
  const { step_id: _, ...body } = sent[0].body;
  assert.deepEqual(body, { verb: "cancel", expected: "queued", reason: "none left", line: 1 });
  const shown = moves.shown(ticket);
  assert.equal(shown.state, "queued");
  assert.deepEqual(
    shown.lines.map(({ outcome, cancel_reason }) => [outcome, cancel_reason]),
    [
      ["accepted", null],
      ["cancelled", "none left"],
    ],
  );
  moves.move(ticket, "cancel", { reason: "a mistake", line: 0 });
  assert.equal(moves.shown(ticket).state, "cancelled");
});

test("what follows a line's cancel that was not taken is sent all the same: the ticket's state is as it was", async () => {
  const theirs = ticketOf({ revision: 7, lines: [cancelledLine(), lineOf({ item: "soda" })] });
  const { moves, sent, results } = newMoves([reply(409, { ticket: theirs }), reply(200, theirs)]);
  moves.move(ticketOf(), "cancel", { reason: "a mistake", line: 0 });
  moves.move(ticketOf(), "start");
  await settle();
  assert.deepEqual(
    sent.map(({ body }) => body.verb),
    ["cancel", "start"],
  );
  assert.deepEqual(
    results.map(({ kind }) => kind),
    ["overtaken", "taken"],
  );
});

test("a line that somebody else cancelled before is told by its dish and reason, a state by who was faster", () => {
  const { moves } = newMoves([]);
  moves.store.take("menu", { department: "bar", titles: {}, items: [{ id: "coffee", titles: { en: "Coffee" } }] });
  moves.move(ticketOf(), "cancel", { reason: "a mistake", line: 0 });
  const [entry] = moves.queue.entries();
  const lines = [cancelledLine({ quantity: 2 }), lineOf({ item: "soda" })];
  const gone = { dish: "2\u00a0×\u00a0Coffee", reason: "none left" };
  assert.deepEqual(cancelledBefore(entry, ticketOf({ lines }), moves, "en"), gone);
  assert.equal(cancelledBefore(entry, ticketOf({ lines, state: "ready" }), moves, "en"), undefined);
  assert.equal(cancelledBefore(entry, ticketOf(), moves, "en"), undefined);
  moves.move(ticketOf(), "cancel", { reason: "a mistake" });
  const whole = moves.queue.entries()[1];
  assert.equal(cancelledBefore(whole, ticketOf({ lines }), moves, "en"), undefined);
});

test("an item is shown off sale as soon as somebody took it off", () => {
  const { moves } = newMoves([]);
  assert.equal(moves.shownOnSale("bar", "coffee", true), true);
  moves.setOnSale("bar", "coffee", false);
  assert.equal(moves.shownOnSale("bar", "coffee", true), false);
  assert.equal(moves.shownOnSale("bar", "soda", true), true);
});
