/** What the waiter's page shows at the moment, and what its buttons do. */

import { Marks } from "../device/marks.js";
import { Sound } from "../device/sound.js";
import { byName, openTables, tableKeyOf } from "../live/tables.js";
import { keyOf } from "../live/tickets.js";
import { Titles } from "../live/titles.js";
import { Serving } from "../moves/serving.js";
import { Callouts, isCancel, ownOf } from "./callouts.js";
import { numberIn, ticketOf } from "./finding.js";
import { Orderings } from "./orderings.js";
import { ALL, addressOf, atTable, placeOf, readPlace } from "./place.js";

/** @import { DeviceStorage } from "../device/storage.js" */
/** @import { Order, Ticket } from "../live/states.js" */
/** @import { Store } from "../live/store.js" */
/** @import { Table } from "../live/tables.js" */
/** @import { Moves } from "../moves/moves.js" */
/** @import { Reply } from "../moves/send.js" */
/** @import { Shell } from "../shell.js" */
/** @import { Place } from "./place.js" */

/** @typedef {"" | "ready" | "late"} Filter */

const MOST_KNOWN = 80;

export class Waiter {
  /**
   * @param {object} parts
   * @param {Shell} parts.shell
   * @param {Store} parts.store
   * @param {Moves} parts.moves
   * @param {DeviceStorage} parts.storage
   * @param {(method: string, path: string, body?: unknown) => Promise<Reply>} parts.send
   * @param {() => void} parts.draw
   */
  constructor({ shell, store, moves, storage, send, draw }) {
    this.shell = shell;
    this.store = store;
    this.moves = moves;
    this.storage = storage;
    this.send = send;
    this.draw = draw;
    this.titles = new Titles(store, shell.page.language);
    this.serving = new Serving(moves, shell);
    this.sound = new Sound();
    this.callouts = new Callouts(new Marks(storage, "comanda.waiter.read"));
    this.orderings = new Orderings(this);
    this.compare = byName(shell.page.language);
    this.place = readPlace(location.search);
    /** @type {Filter} */
    this.filter = "";
    this.query = "";
    /** The number that nothing was found for. */
    this.missing = "";
    /** The order that somebody looked for. */
    this.found = "";
    this.scroll = 0;
    this.rights = new Set(shell.page.rights);
    /** @type {Set<string>} */
    this.cancels = new Set(shell.page.data.cancels);
    this.sound.isMuted = storage.read("comanda.waiter.muted", false);
    this.sound.changed = () => store.notify();
    moves.onResult(({ kind, entry: { body, ticket } }) => {
      if ((kind !== "overtaken" && kind !== "refused") || body.verb !== "cancel" || !ticket) return;
      this.callouts.own.delete(ownOf(ticket, body.line));
    });
  }

  /** Return all tickets as they are shown, also what has not arrived yet. */
  tickets() {
    const tickets = this.store.ticketsOf();
    return this.moves.waiting ? tickets.map((ticket) => this.moves.shown(ticket)) : tickets;
  }

  /** Return the tables that have something open, as people count them. @param {Ticket[]} tickets */
  openTables(tickets) {
    const found = openTables(tickets, this.store.clock.now(), this.store.menus);
    const known = new Set(found.map(({ key }) => key));
    for (const order of this.store.orders.values()) {
      const key = tableKeyOf(order);
      if (!isWaiting(order) || known.has(key)) continue;
      known.add(key);
      found.push(emptyTable(key, order));
    }
    return found.sort(
      (one, other) =>
        Number(!one.name) - Number(!other.name) ||
        this.compare(one.name, other.name) ||
        (one.number ?? 0) - (other.number ?? 0),
    );
  }

  /**
   * Return the names of the tables that are known and have nothing open.
   *
   * @param {Ticket[]} tickets
   * @param {Table[]} open
   */
  freeTables(tickets, open) {
    const taken = new Set(open.map(({ name }) => name));
    const names = new Set([
      ...this.known(),
      ...this.orderings.tables(),
      ...tickets.flatMap(({ table }) => table ?? []),
    ]);
    return [...names].filter((name) => !taken.has(name)).sort(this.compare);
  }

  /** Return the tables that were opened on this device. @returns {string[]} */
  known() {
    return this.storage.read("comanda.waiter.tables", []);
  }

  /** Return the keys of the tables that have an order for which a department has not answered yet. */
  waiting() {
    return new Set([...this.store.orders.values()].filter(isWaiting).map(tableKeyOf));
  }

  /**
   * Go to a table, or back to all of them.
   *
   * @param {Place} place
   * @param {string} [found] the order that somebody looked for there
   */
  go(place, found = "") {
    if (this.place.key === null) this.scroll = scrollY;
    this.found = found;
    this.missing = "";
    history.pushState(null, "", addressOf(place));
    this.arrive();
  }

  /** Show where the address says that one is. */
  arrive() {
    this.place = readPlace(location.search);
    const { key, table } = this.place;
    if (table) this.remember(table);
    if (key) void this.readOrders();
    this.draw();
    scrollTo({ top: key ? 0 : this.scroll });
    document.querySelector(".bill.is-found")?.scrollIntoView({ block: "center" });
    const focus = key ? ".table-title" : ".tile[aria-current], .waiter-bar h1";
    /** @type {HTMLElement | null} */ (document.querySelector(focus))?.focus({ preventScroll: true });
  }

  leave() {
    if (this.place.isOrdering) this.go({ ...this.place, isOrdering: false });
    else if (this.place.key) this.go(ALL);
  }

  /** @param {string} table */
  remember(table) {
    const names = [table, ...this.known().filter((name) => name !== table)];
    this.storage.write("comanda.waiter.tables", names.slice(0, MOST_KNOWN));
  }

  /** Read what events have not told: the orders of the table from before the page was opened. */
  async readOrders() {
    const { table, orderId } = this.place;
    const path = table ? `/orders?limit=20&table=${encodeURIComponent(table)}` : `/orders/${orderId}`;
    const { status, body } = await this.send("GET", path);
    if (status !== 200) return;
    for (const order of table ? body.orders : [body])
      if (!this.store.orders.has(order.order_id)) this.store.take("order", order);
  }

  /** Look what is to be called out, also while nobody sees the page. */
  look() {
    if (!this.store.isComplete) return;
    const fresh = this.callouts.look(this.store.ticketsOf(), this.store.clock.now());
    if (!fresh.length) return;
    this.sound.play(fresh.every(isCancel) ? "cancelled" : "ready");
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.([120, 80, 120]);
  }

  /** @param {string} query */
  search(query) {
    this.query = query;
    this.missing = "";
    this.store.notify();
  }

  /** Show only some of the tables. @param {Filter} filter */
  show(filter) {
    this.filter = filter;
    this.store.notify();
  }

  /** Open what was typed: a table, or the one of an order's number. @param {Event} event */
  async find(event) {
    event.preventDefault();
    const text = this.query.trim();
    if (!text) return;
    const names = [...this.known(), ...this.store.ticketsOf().flatMap(({ table }) => table ?? [])];
    const name = names.find((each) => this.compare(each, text) === 0);
    if (name === undefined && numberIn(text)) return this.findNumber(text);
    this.search("");
    this.go(atTable(name ?? text));
  }

  /** Open the table of an order's number, also of one that was served long ago. @param {string} text */
  async findNumber(text) {
    const number = numberIn(text);
    if (number === null) return;
    /** @type {{table: string | null, order_id: string} | undefined} */
    let found = ticketOf(this.store.ticketsOf(), number);
    if (!found) {
      const { status, body } = await this.send("GET", `/orders?limit=1&number=${number}`);
      const order = status === 200 ? body.orders[0] : undefined;
      if (order) this.store.take("order", order);
      found = order;
    }
    if (found) {
      this.search("");
      this.go(placeOf(found), found.order_id);
    } else {
      this.missing = text;
      this.store.notify();
    }
  }

  /**
   * @param {Ticket} ticket
   * @param {string} reason
   * @param {number} [line] the place of the one line to cancel; without it, all of the ticket
   */
  cancel(ticket, reason, line) {
    this.callouts.own.add(ownOf(keyOf(ticket), line));
    this.moves.move(ticket, "cancel", { reason, line });
  }

  /** Return what a table is called. @param {{table: string | null, number: number | null}} of a ticket or an order */
  nameOf({ table, number }) {
    const { t } = this.shell;
    if (table) return t("tables.table", { table });
    return number === null ? t("tables.counter") : t("tables.number", { number });
  }

  toggleSound() {
    if (this.sound.isBlocked) void this.sound.unlock().then(() => this.sound.play("tap"));
    else {
      this.sound.mute(!this.sound.isMuted);
      this.storage.write("comanda.waiter.muted", this.sound.isMuted);
      if (!this.sound.isMuted) void this.sound.unlock().then(() => this.sound.play("tap"));
    }
  }
}

/**
 * Return a table of which no department has a ticket yet.
 *
 * @param {string} key
 * @param {Order} order
 * @returns {Table}
 */
function emptyTable(key, { table, number, created_at, order_id }) {
  const rest = { level: /** @type {const} */ (""), placedAt: created_at, orderId: order_id };
  return {
    key,
    name: table ?? "",
    number: table ? null : number,
    tickets: [],
    ready: [],
    making: [],
    late: [],
    ...rest,
  };
}

/** Whether a department has not answered yet. @param {Order} order */
const isWaiting = ({ lines }) => lines.some(({ outcome }) => outcome === "pending");
