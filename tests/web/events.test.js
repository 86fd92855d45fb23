/** The client of the events, with a source that a test controls. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventsClient } from "../../gateway/web/static/live/events.js";

class FakeSource {
  /** @param {string} address */
  constructor(address) {
    this.address = address;
    this.url = address;
    this.readyState = 1;
    /** @type {Record<string, (event: any) => void>} */
    this.listeners = {};
    /** @type {() => void} */
    this.onerror = () => {};
  }

  /** @param {string} kind @param {(event: any) => void} listener */
  addEventListener(kind, listener) {
    this.listeners[kind] = listener;
  }

  /** @param {string} kind @param {unknown} data @param {string} id */
  send(kind, data, id = "") {
    this.listeners[kind]({ data: JSON.stringify(data), lastEventId: id });
  }

  /** Fail; `isFinal`: for good, as after a 503. @param {boolean} isFinal */
  fail(isFinal) {
    this.readyState = isFinal ? 2 : 0;
    this.onerror();
  }

  close() {
    this.readyState = 2;
  }
}

function newClient() {
  /** @type {FakeSource[]} */
  const sources = [];
  /** @type {{run: () => void, ms: number}[]} */
  const timers = [];
  /** @type {[string, any][]} */
  const taken = [];
  const environment = {
    open: (/** @type {string} */ address) => {
      const source = new FakeSource(address);
      sources.push(source);
      return /** @type {any} */ (source);
    },
    after: (/** @type {() => void} */ run, /** @type {number} */ ms) => timers.push({ run, ms }),
    cancel: () => {},
    random: () => 0.5,
  };
  const client = new EventsClient({ departments: "bar" }, (kind, data) => taken.push([kind, data]), environment);
  return { client, sources, timers, taken };
}

test("events are taken as they come", () => {
  const { client, sources, taken } = newClient();
  client.start();
  assert.equal(sources[0].address, "/events?departments=bar");
  sources[0].send("ticket", { number: 1 });
  assert.deepEqual(taken, [["ticket", { number: 1 }]]);
});

test("a source that has ended for good is replaced, after a delay that grows until a tick comes", () => {
  const { client, sources, timers } = newClient();
  client.start();
  sources[0].send("tick", {}, "bar.1.5");
  sources[0].fail(true);
  assert.equal(timers.at(-1)?.ms, 1000);
  timers.at(-1)?.run();
  assert.equal(sources[1].address, "/events?departments=bar&after=bar.1.5");
  sources[1].fail(true);
  assert.equal(timers.at(-1)?.ms, 2000);
  timers.at(-1)?.run();
  sources[2].send("tick", {}, "bar.1.6");
  sources[2].fail(true);
  assert.equal(timers.at(-1)?.ms, 1000);
});

test("who uses it learns where a source has ended for good", () => {
  const { client, sources } = newClient();
  /** @type {string[]} */
  const ended = [];
  client.ended = (address) => ended.push(address);
  client.start();
  sources[0].fail(false);
  sources[0].fail(true);
  assert.deepEqual(ended, ["/events?departments=bar"]);
});

test("a source that connects again by itself is left alone", () => {
  const { client, sources } = newClient();
  client.start();
  sources[0].fail(false);
  assert.equal(sources.length, 1);
});

test("a source without ticks is replaced", () => {
  const { client, sources, timers } = newClient();
  client.start();
  assert.equal(timers.at(-1)?.ms, 12_000);
  timers.at(-1)?.run();
  assert.equal(sources.length, 2);
  assert.equal(sources[0].readyState, 2);
});

test("an event without an id does not lose the place", () => {
  const { client, sources } = newClient();
  client.start();
  sources[0].send("tick", {}, "bar.1.5");
  client.stop();
  client.start();
  sources[1].send("ticket", {}, "");
  client.stop();
  client.start();
  assert.equal(sources[2].address, "/events?departments=bar&after=bar.1.5");
});

test("what is followed can change", () => {
  const { client, sources } = newClient();
  client.start();
  client.change({ menu: "true", orders: "a,b" });
  assert.equal(sources[0].readyState, 2);
  assert.equal(sources[1].address, "/events?menu=true&orders=a%2Cb");
  client.stop();
  client.change({ menu: "true" });
  assert.equal(sources.length, 2);
});

test("what a replaced source still says is ignored", () => {
  const { client, sources, taken } = newClient();
  client.start();
  client.stop();
  sources[0].send("ticket", {});
  assert.deepEqual(taken, []);
});
