/** Reads what a page shows from the API, and again as things change, so that figures never grow old unseen. */

import { send } from "../moves/send.js";
import { errorState, loadingState } from "../ui/states.js";
import { html } from "../vendor/lit/lit-html.js";

/** @import { Office } from "./office.js" */

const LEAST_MS = 4000;
const REST = 20;

/**
 * Some addresses, read together.
 *
 * @template {Record<string, string>} Paths
 */
export class Reading {
  /**
   * @param {Office} office
   * @param {Paths} paths by the names of what they return
   */
  constructor(office, paths) {
    this.office = office;
    this.paths = paths;
    /** @type {Record<keyof Paths, any> | null} */
    this.found = null;
    this.status = 200;
    this.readAt = 0;
    this.isReading = false;
    this.isWanted = false;
    /** Counts the readings, so that an earlier one that ends later changes nothing. */
    this.turn = 0;
  }

  /** Read now; where it is reading already, once more after that. */
  async read() {
    if (this.isReading) {
      this.isWanted = true;
      return;
    }
    this.isReading = true;
    this.isWanted = false;
    this.turn += 1;
    const { turn } = this;
    const begun = performance.now();
    const entries = Object.entries(this.paths);
    const replies = await Promise.all(entries.map(([, path]) => send("GET", path, undefined)));
    if (turn !== this.turn) return;
    const bad = replies.find(({ status }) => status !== 200);
    this.status = bad ? bad.status : 200;
    if (!bad)
      this.found = /** @type {any} */ (Object.fromEntries(entries.map(([name], at) => [name, replies[at].body])));
    this.office.draw();
    const rest = Math.max(LEAST_MS, REST * (performance.now() - begun));
    setTimeout(() => {
      if (turn !== this.turn) return;
      this.isReading = false;
      if (this.isWanted || (bad && this.found)) void this.read();
    }, rest);
  }

  /** Read without a rest, for somebody who asks. */
  readNow() {
    this.isReading = false;
    this.status = 200;
    this.office.draw();
    void this.read();
  }

  /** Read whenever an order or a ticket has changed, but leave the gateway time between. */
  follow() {
    void this.read();
    const { store } = this.office;
    let seen = "";
    store.subscribe(() => {
      const now = stateOf(store);
      if (now === seen) return;
      seen = now;
      void this.read();
    });
    return this;
  }

  /**
   * Show what was found; until then, or where it cannot be had, that. Figures that could not be read again say from when
   * they are.
   *
   * @param {(found: Record<keyof Paths, any>) => unknown} view
   */
  shown(view) {
    const { t, formats } = this.office.shell;
    if (this.found && this.status !== 200) {
      const text = t("office.from_before", { time: formats.time(this.readAt) });
      return html`<p class="alert" role="alert">${text}</p>${view(this.found)}`;
    }
    if (this.found) return view(this.found);
    if (this.status === 200) return loadingState(t, 5);
    return errorState(t, t("office.not_read", { status: this.status || "–" }), () => this.readNow());
  }
}

/**
 * Return a text that changes with every change of an order or a ticket.
 *
 * @param {import("../live/store.js").Store} store
 */
function stateOf(store) {
  let revisions = 0;
  for (const { revision } of store.tickets.values()) revisions += revision;
  const orders = [...store.orders.values()].map(({ order_id, status }) => `${order_id} ${status}`);
  return `${store.isComplete} ${revisions} ${orders.length} ${orders.at(-1) ?? ""}`;
}

/**
 * Return the address of a report of the page's days.
 *
 * @param {Office} office
 * @param {string} report
 * @param {Record<string, string>} [query]
 */
export function reportPath({ days }, report, query = {}) {
  return `/reports/${report}?${new URLSearchParams({ from: days.from, to: days.to, ...query })}`;
}
