/** Serving with one tap, and taking it back. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceStorage } from "../../gateway/web/static/device/storage.js";
import { Clock } from "../../gateway/web/static/live/clock.js";
import { Store } from "../../gateway/web/static/live/store.js";
import { Moves } from "../../gateway/web/static/moves/moves.js";
import { Queue } from "../../gateway/web/static/moves/queue.js";
import { ticketOf as ticket } from "./factories.js";

/** @import { Ticket } from "../../gateway/web/static/live/states.js" */

// Toasts have no place here, and lit-html asks for a walker when it is loaded.
Object.assign(globalThis, {
  document: { getElementById: () => null, createTreeWalker: () => null, createComment: () => null },
});
const { Serving } = await import("../../gateway/web/static/moves/serving.js");

/**
 * @param {Ticket[]} tickets
 * @param {boolean} isOvertaken whether somebody else is always faster
 */
function serving(tickets, isOvertaken = false) {
  let now = 0;
  /** @type {string[]} */
  const sent = [];
  const store = new Store({ clock: new Clock(0, () => now), schedule: (run) => run() });
  const moves = new Moves({
    store,
    queue: new Queue(new DeviceStorage(null)),
    send: async (_method, path, /** @type {any} */ body) => {
      sent.push(`${path.split("/")[2]} ${body.verb}`);
      const known = /** @type {Ticket} */ (store.tickets.get(path.split("/").slice(2, 4).join(" ")));
      const state = body.verb === "serve" ? "served" : "ready";
      if (isOvertaken)
        return { status: 409, body: { ticket: { ...known, state, moved_by: "Bo" } }, isFinal: true, retryMs: 0 };
      return { status: 200, body: { ...known, state, revision: known.revision + 1 }, isFinal: true, retryMs: 0 };
    },
  });
  for (const each of tickets) store.take("ticket", each);
  const shell = /** @type {any} */ ({ t: (/** @type {string} */ key) => key });
  const one = new Serving(moves, shell, () => now);
  return { one, sent, store, pass: (/** @type {number} */ ms) => (now += ms) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

const ready = ticket({ department: "bar", order_id: "a", state: "ready" });
const made = ticket({ department: "kitchen", order_id: "a", state: "preparing" });

test("what is ready is served, and nothing else", async () => {
  const { one, sent } = serving([ready, made]);
  assert.equal(one.serve([ready, made], "Table 7"), true);
  await settled();
  assert.deepEqual(sent, ["bar serve"]);
});

test("a second tap at once is the same tap", async () => {
  const other = ticket({ department: "kitchen", order_id: "b", state: "ready" });
  const { one, sent, pass } = serving([ready, other]);
  one.serve([ready], "Table 7");
  pass(200);
  assert.equal(one.serve([other], "Table 8"), false);
  pass(600);
  assert.equal(one.serve([other], "Table 8"), true);
  await settled();
  assert.deepEqual(sent, ["bar serve", "kitchen serve"]);
});

test("what was served is taken back, unless somebody has gone on with it", async () => {
  const { one, sent, store } = serving([ready]);
  one.serve([ready], "Table 7");
  await settled();
  one.undo("Table 7");
  await settled();
  assert.deepEqual(sent, ["bar serve", "bar recall"]);
  assert.equal(store.tickets.get("bar a")?.state, "ready");
  one.undo("Table 7"); // it is ready again: there is nothing to take back
  await settled();
  assert.deepEqual(sent, ["bar serve", "bar recall"]);
});

test("what somebody else has served first is not taken back", async () => {
  const { one, sent } = serving([ready], true);
  one.serve([ready], "Table 7");
  await settled();
  one.undo("Table 7");
  await settled();
  assert.deepEqual(sent, ["bar serve"]);
});
