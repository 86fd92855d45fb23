/**
 * The one client of `/events` (docs/events.md). It connects again after whatever happens, and misses nothing.
 *
 * An EventSource reconnects by itself after a broken connection, but a status other than 200 ends it for good, and a
 * connection that is dead looks open. So a source that has ended is replaced after a growing delay, and one without a
 * tick for 12 s at once; both resume after the last id.
 */

import { KINDS } from "./states.js";

/** @import { Kind } from "./states.js" */

const SILENT_MS = 12_000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;

/**
 * @typedef {object} Environment what the client needs of the browser
 * @property {(address: string) => EventSource} open
 * @property {(run: () => void, ms: number) => unknown} after
 * @property {(timer: any) => void} cancel
 * @property {() => number} random
 */

/** @type {Environment} */
const BROWSER = {
  open: (address) => new EventSource(address),
  after: (run, ms) => setTimeout(run, ms),
  cancel: (timer) => clearTimeout(timer),
  random: Math.random,
};

export class EventsClient {
  /**
   * @param {Record<string, string>} query what to follow: `{departments: "bar"}`, `{menu: "true", orders: "id,id"}`, or all
   * @param {(kind: Kind, data: any) => void} take
   * @param {Environment} [environment]
   */
  constructor(query, take, environment = BROWSER) {
    this.query = query;
    this.take = take;
    this.environment = environment;
    this.lastId = "";
    this.delay = FIRST_DELAY_MS;
    /** Called with the address where a source has ended for good: by a status other than 200. */
    this.ended = (/** @type {string} */ _address) => {};
    /** @type {EventSource | undefined} */
    this.source = undefined;
    /** @type {unknown} */
    this.timer = undefined;
    this.isStopped = true;
  }

  /** Connect, or connect again after `stop`. */
  start() {
    if (!this.isStopped) return;
    this.isStopped = false;
    this.connect();
  }

  /** Close the connection; `start` resumes where it was. */
  stop() {
    this.isStopped = true;
    this.disconnect();
  }

  /**
   * Follow something else from now on, such as one more order.
   *
   * @param {Record<string, string>} query
   */
  change(query) {
    this.query = query;
    if (!this.isStopped) this.connect();
  }

  connect() {
    this.disconnect();
    const query = new URLSearchParams(this.query);
    if (this.lastId) query.set("after", this.lastId);
    const source = this.environment.open(`/events?${query}`);
    this.source = source;
    for (const kind of KINDS) source.addEventListener(kind, (event) => this.receive(source, kind, event));
    source.onerror = () => {
      if (this.source !== source || source.readyState !== 2) return;
      this.connectLater();
      this.ended(source.url);
    };
    this.watch();
  }

  /**
   * @param {EventSource} source
   * @param {Kind} kind
   * @param {MessageEvent} event
   */
  receive(source, kind, event) {
    if (this.source !== source) return;
    this.lastId = event.lastEventId || this.lastId;
    if (kind === "tick") {
      this.delay = FIRST_DELAY_MS;
      this.watch();
    }
    this.take(kind, JSON.parse(event.data));
  }

  /** Connect again unless a tick arrives in time. */
  watch() {
    this.environment.cancel(this.timer);
    this.timer = this.environment.after(() => this.connect(), SILENT_MS);
  }

  connectLater() {
    this.disconnect();
    const delay = this.delay * (0.5 + this.environment.random());
    this.delay = Math.min(2 * this.delay, LONGEST_DELAY_MS);
    this.timer = this.environment.after(() => this.connect(), delay);
  }

  disconnect() {
    this.environment.cancel(this.timer);
    this.source?.close();
    this.source = undefined;
  }
}

/**
 * Let a page that needs no sound have no connection while nobody sees it: a browser has six for all its pages.
 *
 * @param {EventsClient} client
 */
export function stopWhileHidden(client) {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) client.stop();
    else client.start();
  });
}
