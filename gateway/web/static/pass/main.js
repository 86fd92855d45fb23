/** The pass: by table, across departments, what is missing, ready and late; live. */

import { toggleFullScreen } from "../device/full_screen.js";
import { DeviceStorage } from "../device/storage.js";
import { WakeLock } from "../device/wake_lock.js";
import { connect } from "../live/connect.js";
import { yieldWhileHidden } from "../live/hidden.js";
import { pace } from "../live/pace.js";
import { openTables } from "../live/tables.js";
import { Titles } from "../live/titles.js";
import { Moves } from "../moves/moves.js";
import { Queue } from "../moves/queue.js";
import { Serving } from "../moves/serving.js";
import { tellResults, waitingBanner } from "../moves/tell.js";
import { startShell } from "../shell.js";
import { startBanners } from "../ui/banner.js";
import { layOut } from "../ui/columns.js";
import { showCurrentLink } from "../ui/nav.js";
import { isPointerDown, onPointerUp } from "../ui/pointer.js";
import { elementOf, renderInto } from "../ui/take_over.js";
import { Cards } from "./cards.js";
import { view } from "./view.js";

const shell = startShell();
const { store, client } = connect(shell.page, {});
pace(store);
const moves = new Moves({ store, queue: new Queue(new DeviceStorage()) });
const wakeLock = new WakeLock();
const cards = new Cards();
const place = elementOf("pass-app");

/** @type {import("./view.js").Pass} */
const pass = {
  shell,
  store,
  moves,
  titles: new Titles(store, shell.page.language),
  serving: new Serving(moves, shell),
  filter: "",
  show: (filter) => {
    pass.filter = filter;
    store.notify();
  },
  fill: () => {
    void wakeLock.start();
    void toggleFullScreen().then(() => store.notify());
  },
};

function draw() {
  if (isPointerDown()) return;
  document.documentElement.dataset.live = String(store.isComplete && store.staleSince() === null);
  const tickets = store.ticketsOf().map((ticket) => (moves.waiting ? moves.shown(ticket) : ticket));
  const tables = openTables(tickets, store.clock.now(), store.menus);
  const ready = tickets.filter(({ state }) => state === "ready");
  renderInto(view(cards.update(tables, store.clock.elapsed()), tables, ready, pass), place);
  layOut(place.querySelector(".pass-cards"));
}

for (const menu of shell.page.data.menus) store.take("menu", menu);
for (const ticket of shell.page.data.tickets) store.take("ticket", ticket);
store.subscribe(draw);
onPointerUp(() => store.notify());
setInterval(() => store.notify(), 1000);
addEventListener("resize", () => store.notify());
document.addEventListener("fullscreenchange", () => store.notify());
showCurrentLink();
startBanners(store, shell, () => waitingBanner(moves, shell));
tellResults(moves, shell);
yieldWhileHidden(client);
moves.flush();
draw();
