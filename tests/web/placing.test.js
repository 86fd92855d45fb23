/** Placing an order: one id, kept until a response says what became of it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceStorage } from "../../gateway/web/static/device/storage.js";
import { Draft } from "../../gateway/web/static/order/draft.js";
import { Placing, TOO_OLD_MS } from "../../gateway/web/static/order/placing.js";

/** @import { Reply } from "../../gateway/web/static/moves/send.js" */

const LINE = { department: "bar", item: "coffee", quantity: 2, note: "", allergy: false, price: 350 };

/** @param {number} status @param {any} [body] @returns {Reply} */
const reply = (status, body = null) => ({ status, body, isFinal: true, retryMs: 0 });
const order = { order_id: "id-1", lines: [], status: "accepted" };

/** @param {Reply[]} replies @param {DeviceStorage} [storage] */
function newPlacing(replies, storage = new DeviceStorage(null)) {
  let made = 0;
  const draft = new Draft(storage, () => `id-${++made}`);
  const clock = { now: 0 };
  /** @type {string[]} */ const sent = [];
  /** @type {string[]} */ const told = [];
  /** @type {(() => void)[]} */ const timers = [];
  const placing = new Placing({
    draft,
    send: async (method, path, body) => {
      sent.push(`${method} ${path} ${body === undefined ? "" : JSON.stringify(body)}`.trim());
      return replies.shift() ?? reply(0);
    },
    now: () => clock.now,
    deviceNow: () => clock.now,
    after: (run) => timers.push(run),
    cancel: () => {},
  });
  placing.placed = (each, goal) => told.push(`${goal} ${each.status}`);
  placing.failed = (failure) => told.push(failure);
  return { placing, draft, sent, told, timers, clock, storage };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("the request has the price that the guest saw, and the basket is empty once it is on its way", async () => {
  const { placing, draft, sent, told } = newPlacing([reply(201, order)]);
  draft.change({ lines: [LINE] });
  placing.place("7");
  assert.deepEqual(draft.lines, []);
  await settle();
  const body = JSON.parse(sent[0].replace("POST /orders ", ""));
  assert.deepEqual(body, {
    order_id: "id-1",
    table: "7",
    policy: "best_effort",
    lines: [{ department: "bar", item: "coffee", quantity: 2, note: "", allergy: false, expected_price: 350 }],
  });
  assert.deepEqual([draft.attempt, told], [null, ["place accepted"]]);
});

test("a second tap sends nothing", async () => {
  const { placing, draft, sent } = newPlacing([reply(201, order)]);
  draft.change({ lines: [LINE] });
  placing.place(null);
  placing.place(null);
  await settle();
  assert.equal(sent.length, 1);
});

for (const status of [0, 408, 500, 502, 503, 504, 429]) {
  test(`the same request is sent again after ${status || "no response"}`, async () => {
    const { placing, draft, sent, timers } = newPlacing([reply(status), reply(201, order)]);
    draft.change({ lines: [LINE] });
    placing.place(null);
    await settle();
    assert.equal(draft.attempt?.order_id, "id-1");
    timers.shift()?.();
    await settle();
    assert.equal(sent[0], sent[1]);
    assert.equal(draft.attempt, null);
  });
}

test("another page of the device goes on with the same request", async () => {
  const first = newPlacing([]);
  first.draft.change({ lines: [LINE] });
  first.placing.place(null);
  await settle();
  const second = newPlacing([reply(201, order)], first.storage);
  second.placing.resume();
  await settle();
  assert.deepEqual(second.sent, first.sent);
  assert.equal(second.draft.attempt, null);
});

test("what was refused is in the basket again", async () => {
  const { placing, draft, told } = newPlacing([reply(400, { detail: "too many" })]);
  draft.change({ lines: [LINE] });
  placing.place(null);
  await settle();
  assert.deepEqual([draft.lines, draft.attempt, told], [[LINE], null, ["refused"]]);
});

test("a refusal after an unknown end is no end: the order may have arrived", async () => {
  const { placing, draft, timers, told } = newPlacing([reply(0), reply(401)]);
  draft.change({ lines: [LINE] });
  placing.place(null);
  await settle();
  timers.shift()?.();
  await settle();
  assert.equal(draft.attempt?.order_id, "id-1");
  assert.deepEqual([placing.why, told], ["not_allowed", []]);
});

test("an id that is taken is looked up", async () => {
  const { placing, draft, sent, told } = newPlacing([reply(409, { title: "taken" }), reply(200, order)]);
  draft.change({ lines: [LINE] });
  placing.place(null);
  await settle();
  await settle();
  assert.equal(sent[1], "GET /orders/id-1");
  assert.deepEqual(told, ["find accepted"]);
});

test("what is too old is looked up and not sent, and given back once it is certainly not there", async () => {
  const { placing, draft, sent, told, timers, clock } = newPlacing([reply(0), reply(404), reply(404)]);
  draft.change({ lines: [LINE] });
  placing.place(null);
  await settle();
  clock.now += TOO_OLD_MS + 1;
  timers.shift()?.();
  await settle();
  assert.deepEqual([draft.lines, told], [[], []], "once is not enough: a request may be on its way");
  timers.shift()?.();
  await settle();
  assert.deepEqual(sent.slice(1), ["GET /orders/id-1", "GET /orders/id-1"]);
  assert.deepEqual([draft.lines, told], [[LINE], ["not_sent"]]);
});

test("an order that is taken back while its request is under way is cancelled", async () => {
  const { placing, draft, sent, told } = newPlacing([reply(201, order), reply(200, { ...order, status: "cancelled" })]);
  draft.change({ lines: [LINE] });
  placing.place(null);
  placing.withdraw();
  await settle();
  await settle();
  assert.equal(sent[1], "DELETE /orders/id-1");
  assert.deepEqual(told, ["withdraw cancelled", "withdrawn"]);
  assert.deepEqual(draft.lines, [LINE]);
});

test("an order that is taken back too late is shown", async () => {
  const { placing, draft, told, timers } = newPlacing([reply(0), reply(409), reply(200, order)]);
  draft.change({ lines: [LINE] });
  placing.place(null);
  await settle();
  placing.withdraw();
  await settle();
  await settle();
  assert.deepEqual([told, draft.lines, draft.attempt], [["find accepted"], [], null]);
  assert.ok(timers.length);
});

test("what is in the basket again becomes another order", async () => {
  const { placing, draft, sent, timers } = newPlacing([reply(0), reply(404), reply(404), reply(201, order)]);
  draft.change({ lines: [LINE] });
  placing.place(null);
  await settle();
  placing.withdraw();
  await settle();
  timers.at(-1)?.();
  await settle();
  placing.place(null);
  assert.match(sent.at(-1) ?? "", /"order_id":"id-2"/);
});

test("pages that place the basket before one has seen the other send the same", async () => {
  const first = newPlacing([reply(201, order)]);
  first.draft.change({ lines: [LINE] });
  const late = new DeviceStorage(null); // what the other page still sees
  late.write("comanda.draft", first.draft.read());
  const second = newPlacing([reply(201, order)], late);
  first.placing.place(null);
  second.placing.place(null);
  await settle();
  assert.deepEqual(first.sent, second.sent);
});
