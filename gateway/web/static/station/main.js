/** The station page: the tickets of a department, or of several, live. */

import { DeviceStorage } from "../device/storage.js";
import { connect } from "../live/connect.js";
import { yieldWhileHidden } from "../live/hidden.js";
import { pace } from "../live/pace.js";
import { hasCard } from "../live/tickets.js";
import { Moves } from "../moves/moves.js";
import { Queue } from "../moves/queue.js";
import { tellResults, waitingBanner } from "../moves/tell.js";
import { startShell } from "../shell.js";
import { startBanners } from "../ui/banner.js";
import { layOut } from "../ui/columns.js";
import { isPointerDown, onPointerUp } from "../ui/pointer.js";
import { elementOf, renderInto } from "../ui/take_over.js";
import { alarm } from "./alarm.js";
import { drawBelow } from "./below.js";
import { Board } from "./board.js";
import { startBumpBar } from "./bump_bar.js";
import { tellOvertaken } from "./overtaken.js";
import { Station } from "./station.js";
import { view } from "./view.js";

const shell = startShell();
const storage = new DeviceStorage();
const { store, client } = connect(shell.page, { departments: shell.page.data.departments.join(",") });
pace(store);
const moves = new Moves({ store, queue: new Queue(storage) });
const station = new Station({ shell, store, moves, storage });
const board = new Board();
const place = elementOf("station-app");

/** Begin with what the document has, until the events tell more. */
function takeDocument() {
  const { menus, stock, tickets } = shell.page.data;
  for (const menu of menus) store.take("menu", menu);
  for (const each of stock) store.take("stock", each);
  for (const ticket of tickets) store.take("ticket", ticket);
}

function draw() {
  if (isPointerDown()) return;
  const tickets = station.tickets();
  const now = store.clock.now();
  const places = board.update(
    tickets.filter((ticket) => hasCard(ticket, station.seen, now)),
    store.clock.elapsed(),
  );
  const { dataset, classList } = document.documentElement;
  dataset.size = station.size;
  dataset.live = String(store.isComplete && store.staleSince() === null);
  classList.toggle("is-bare", station.isBare);
  classList.toggle("has-drawer", station.drawer !== null);
  renderInto(view(places, tickets, station), place);
  layOut(place.querySelector(".tickets"));
  drawBelow(station);
}

function banners() {
  const { t } = shell;
  const waiting = waitingBanner(moves, shell);
  if (!station.sound.isBlocked) return waiting;
  const text = station.isStarted ? t("station.sound_blocked") : t("station.not_started");
  const role = /** @type {const} */ ("status");
  const banner = { icon: "sound-off", role, text, label: t("station.start"), act: () => void station.start() };
  return [...waiting, banner];
}

takeDocument();
store.subscribe(() => store.isComplete && alarm(station));
store.subscribe(draw);
onPointerUp(() => store.notify());
setInterval(() => store.notify(), 1000);
addEventListener("contentvisibilityautostatechange", (event) => {
  if (board.follow(event)) store.notify();
});
addEventListener("storage", (event) => {
  if (station.seen.follow(event) || station.confirmed.follow(event)) store.notify();
});
addEventListener("resize", () => store.notify());
document.addEventListener("fullscreenchange", () => store.notify());
startBanners(store, shell, banners);
startBumpBar(station);
tellResults(moves, shell);
tellOvertaken(station);
yieldWhileHidden(client);
if (storage.read("comanda.station.started", false)) void station.sound.unlock();
addEventListener("pointerup", () => void station.unlock(), { once: true });
moves.flush();
draw();

export { station };
