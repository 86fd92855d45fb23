/** The order page: the menu that the server rendered, taken over; the basket; the guest's own orders. */

import { DeviceStorage } from "../device/storage.js";
import { connect } from "../live/connect.js";
import { newId } from "../moves/ids.js";
import { send } from "../moves/send.js";
import { startShell } from "../shell.js";
import { connectionBanners, startBanners } from "../ui/banner.js";
import { elementOf, renderInto } from "../ui/take_over.js";
import { basket, basketBar } from "./basket_view.js";
import { readCatalog } from "./catalog.js";
import { chips, followScroll } from "./chips.js";
import { Draft } from "./draft.js";
import { readMenu } from "./menu_reading.js";
import { menu } from "./menu_view.js";
import { showOrder } from "./order_sheet.js";
import { ownOrders } from "./orders_view.js";
import { OwnOrders } from "./own_orders.js";
import { Placing } from "./placing.js";
import { headline } from "./progress_view.js";
import { Sheets } from "./sheets.js";

/** @import { App } from "./app.js" */

const shell = startShell();
const { t, page } = shell;
const { store, client } = connect(page, { menu: "true" });
const storage = new DeviceStorage();
// Whoever uses a device after somebody who has signed out sees nothing of that person's.
const owner = page.person ? `.${page.person}` : "";
const draft = new Draft(storage, newId, `comanda.draft${owner}`);
const now = () => store.clock.now();

const orders = new OwnOrders(
  {
    storage,
    send,
    now,
    follow: (orderIds) => client.change(orderIds.length ? { menu: "true", orders: orderIds.join() } : { menu: "true" }),
  },
  `comanda.orders${owner}`,
);

const placing = new Placing({
  draft,
  send,
  now,
  deviceNow: Date.now,
  after: (run, ms) => setTimeout(run, ms),
  cancel: (timer) => clearTimeout(timer),
});

const search = /** @type {HTMLInputElement} */ (elementOf("search"));
const chipRow = elementOf("chips");
const mark = followScroll(chipRow);
const announcer = elementOf("announcer");

/** @type {App} */
const app = {
  shell,
  store,
  catalog: readCatalog(page.data.menu, store, page.language),
  draft,
  placing,
  orders,
  sheets: new Sheets(t),
  table: null,
  query: search.value,
  failure: null,
  draw,
  announce: (text) => {
    announcer.textContent = text;
  },
};

function draw() {
  app.catalog = readCatalog(page.data.menu, store, page.language);
  renderInto(ownOrders(app), elementOf("own-orders"));
  renderInto(chips(app), chipRow);
  renderInto(menu(app), elementOf("menu"));
  renderInto(basket(app), elementOf("basket"));
  renderInto(basketBar(app), elementOf("basket-bar"));
  app.sheets.draw();
  mark();
}

placing.changed = draw;
placing.placed = (order, goal) => {
  app.failure = null;
  orders.put(order);
  if (goal !== "withdraw") showOrder(order.order_id, app);
  if (order.status !== "accepted") void readMenu(store, send);
};
placing.failed = (failure, detail) => {
  app.failure = { text: t(`failure.${failure}`, { detail }), isBad: failure !== "withdrawn" };
  app.announce(app.failure.text);
  draw();
};
draft.changed = () => store.notify();
orders.changed = (order, before) => {
  store.notify();
  if (before && headline(order, app) !== headline(before, app))
    app.announce(`${t("order.number", { number: order.number })}: ${headline(order, app)}`);
};
store.subscribe(draw);
store.subscribe(keepOrders);

/** Keep on the device what events tell of the guest's orders. */
function keepOrders() {
  for (const order of store.orders.values()) orders.put(order);
  store.orders.clear();
}

search.addEventListener("input", () => {
  app.query = search.value;
  draw();
});
search.form?.addEventListener("submit", (event) => event.preventDefault());
elementOf("menu").addEventListener("click", (event) => {
  if (!(event.target instanceof Element && event.target.closest("#clear-search"))) return;
  search.value = app.query = "";
  draw();
  search.focus();
});

window.addEventListener("storage", () => store.notify());
window.addEventListener("online", () => placing.again());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return client.stop();
  client.start();
  placing.again();
});

// Minutes pass: "ready in 7 minutes" is drawn again. What no events tell is read.
setInterval(() => {
  if (document.hidden) return;
  store.notify();
  if (store.staleSince() === null) return;
  void orders.refresh();
  void readMenu(store, send);
}, 10_000);

// The menu says itself which department is away.
startBanners(
  store,
  shell,
  () => [],
  (...parts) => connectionBanners(...parts).filter(({ kind }) => kind === "bad"),
);
draw();
placing.resume();
void orders.refresh();
