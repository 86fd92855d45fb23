/** Ordering in a table's name: the order page's basket and menu, one basket a table, kept on the device. */

import { newId } from "../moves/ids.js";
import { readCatalog } from "../order/catalog.js";
import { Draft } from "../order/draft.js";
import { readMenu } from "../order/menu_reading.js";
import { showOrder } from "../order/order_sheet.js";
import { OwnOrders } from "../order/own_orders.js";
import { Placing } from "../order/placing.js";
import { Sheets } from "../order/sheets.js";
import { showToast } from "../ui/toast.js";
import { atTable } from "./place.js";

/** @import { Order } from "../live/states.js" */
/** @import { App } from "../order/app.js" */
/** @import { Waiter } from "./waiter.js" */

const TABLES = "comanda.waiter.baskets";

export class Orderings {
  /** @param {Waiter} waiter */
  constructor(waiter) {
    this.waiter = waiter;
    /** @type {Map<string, App>} */
    this.apps = new Map();
    const { person } = waiter.shell.page;
    this.owner = person ? `.${person}` : "";
  }

  /** Go on with the orders that are on their way since an earlier page. */
  resume() {
    for (const table of this.tables()) this.of(table).placing.resume();
  }

  /** Try at once what waits for a connection. */
  again() {
    for (const { draft, placing } of this.apps.values()) if (draft.attempt) placing.again();
  }

  /** The tables that may have a basket here. @returns {string[]} */
  tables() {
    return this.waiter.storage.read(`${TABLES}${this.owner}`, []);
  }

  /** Whether a table has something in its basket, or on its way. @param {string} table */
  hasDraft(table) {
    if (!this.tables().includes(table)) return false;
    const { lines, attempt } = this.of(table).draft.read();
    return lines.length > 0 || attempt !== null;
  }

  /** Return the table's ordering; made when first needed. @param {string} table */
  of(table) {
    const app = this.apps.get(table) ?? this.make(table);
    this.apps.set(table, app);
    return app;
  }

  /** The menu as it is now. */
  catalog() {
    const { shell, store } = this.waiter;
    return readCatalog(shell.page.data.menu, store, shell.page.language);
  }

  /** @param {string} table @returns {App} */
  make(table) {
    const { waiter, owner } = this;
    const { shell, store, storage, send } = waiter;
    const now = () => store.clock.now();
    const draft = new Draft(storage, newId, `comanda.waiter.basket${owner}.${table}`);
    const orders = new OwnOrders({ storage, send, now, follow: () => () => {} }, `comanda.waiter.orders${owner}`);
    const placing = new Placing({
      draft,
      send,
      now,
      deviceNow: Date.now,
      after: (run, ms) => setTimeout(run, ms),
      cancel: (timer) => clearTimeout(timer),
    });
    /** @type {App} */
    const app = {
      shell,
      store,
      catalog: this.catalog(),
      draft,
      placing,
      orders,
      sheets: new Sheets(shell.t),
      table,
      query: "",
      failure: null,
      draw: waiter.draw,
      announce: (text) => {
        const place = document.getElementById("waiter-news");
        if (place) place.textContent = text;
      },
    };
    draft.changed = () => this.note(table);
    placing.changed = () => store.notify();
    placing.placed = (order, goal) => this.placed(app, order, goal !== "withdraw");
    placing.failed = (failure, detail) => {
      app.failure = { text: shell.t(`failure.${failure}`, { detail }), isBad: failure !== "withdrawn" };
      app.announce(app.failure.text);
      store.notify();
    };
    return app;
  }

  /** Remember that a table has a basket here, or has none any more. @param {string} table */
  note(table) {
    const { lines, attempt } = this.of(table).draft.read();
    const others = this.tables().filter((each) => each !== table);
    const tables = lines.length || attempt ? [table, ...others] : others;
    this.waiter.storage.write(`${TABLES}${this.owner}`, tables);
    this.waiter.store.notify();
  }

  /**
   * The order has arrived: go back to the table, or show what of it could not be had.
   *
   * @param {App} app
   * @param {Order} order
   * @param {boolean} isPlaced
   */
  placed(app, order, isPlaced) {
    const { waiter } = this;
    const { table } = app;
    app.failure = null;
    app.orders.put(order);
    waiter.store.take("order", order);
    app.sheets.close("basket");
    if (!isPlaced) return;
    const isWhole = order.lines.every(({ outcome }) => outcome === "accepted" || outcome === "pending");
    showToast({ text: waiter.shell.t("waiter.placed", { number: order.number, table: table ?? "" }) });
    if (order.status !== "accepted") void readMenu(waiter.store, waiter.send);
    if (waiter.place.table === table && waiter.place.isOrdering && isWhole) waiter.go(atTable(table ?? ""));
    if (!isWhole) showOrder(order.order_id, app);
  }

  /** Let what is shown of orders be as it is now. */
  refresh() {
    for (const { orders, sheets } of this.apps.values()) {
      if (!sheets.isOpen("order")) continue;
      for (const kept of orders.list()) {
        const known = this.waiter.store.orders.get(kept.order_id);
        if (known) orders.put(known);
      }
    }
  }
}
