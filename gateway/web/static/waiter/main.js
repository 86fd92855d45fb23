/** The waiter's page: tables, orders for them, serving, call-outs; live. */

import { DeviceStorage } from "../device/storage.js";
import { connect } from "../live/connect.js";
import { yieldWhileHidden } from "../live/hidden.js";
import { pace } from "../live/pace.js";
import { Moves } from "../moves/moves.js";
import { Queue } from "../moves/queue.js";
import { send } from "../moves/send.js";
import { tellResults, waitingBanner } from "../moves/tell.js";
import { startShell } from "../shell.js";
import { startBanners } from "../ui/banner.js";
import { showCurrentLink } from "../ui/nav.js";
import { isPointerDown, onPointerUp } from "../ui/pointer.js";
import { elementOf, renderInto } from "../ui/take_over.js";
import { calls } from "./call_banners.js";
import { afterDrawing } from "./ordering_view.js";
import { view } from "./view.js";
import { Waiter } from "./waiter.js";

const shell = startShell();
const storage = new DeviceStorage();
const { store, client } = connect(shell.page, {});
pace(store);
const moves = new Moves({ store, queue: new Queue(storage) });
const waiter = new Waiter({ shell, store, moves, storage, send, draw });
const place = elementOf("waiter-app");

/** Draw all of it. */
function draw() {
  if (isPointerDown()) return;
  const { dataset } = document.documentElement;
  dataset.live = String(store.isComplete && store.staleSince() === null);
  dataset.mode = waiter.place.isOrdering ? "ordering" : waiter.place.key ? "table" : "tables";
  renderInto(view(waiter), place);
  afterDrawing(waiter);
}

for (const menu of shell.page.data.menus) store.take("menu", menu);
for (const ticket of shell.page.data.tickets) store.take("ticket", ticket);
store.subscribe(() => waiter.look());
store.subscribe(() => waiter.orderings.refresh());
store.subscribe(draw);
onPointerUp(() => store.notify());
setInterval(() => store.notify(), 1000);
addEventListener("popstate", () => waiter.arrive());
addEventListener("storage", () => store.notify());
addEventListener("online", () => waiter.orderings.again());
addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof Element && event.target.closest("input, textarea, dialog");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    (document.getElementById("search") ?? document.getElementById("find"))?.focus();
  }
  if (event.key === "Escape") waiter.leave();
});
addEventListener("pointerup", () => waiter.sound.context || void waiter.sound.unlock(), { once: true });
showCurrentLink();
startBanners(store, shell, () => [...calls(waiter), ...waitingBanner(moves, shell)]);
tellResults(moves, shell);
yieldWhileHidden(client);
moves.flush();
draw();
waiter.orderings.resume();
if (waiter.place.table) waiter.remember(waiter.place.table);
if (waiter.place.key) void waiter.readOrders();
