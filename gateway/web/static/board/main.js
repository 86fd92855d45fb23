/** The board for guests: numbers only, live; it says aloud what has become ready. */

import { toggleFullScreen } from "../device/full_screen.js";
import { WakeLock } from "../device/wake_lock.js";
import { connect } from "../live/connect.js";
import { pace } from "../live/pace.js";
import { startShell } from "../shell.js";
import { startBanners } from "../ui/banner.js";
import { showCurrentLink } from "../ui/nav.js";
import { elementOf, renderInto } from "../ui/take_over.js";
import { fit } from "./fit.js";
import { halves } from "./numbers.js";
import { view } from "./view.js";

const shell = startShell();
const { store } = connect(shell.page, { board: "true" });
pace(store);
const wakeLock = new WakeLock();
const place = elementOf("board-app");
const staysMs = shell.page.data.minutes * 60_000;

/** The numbers that were ready when the page was drawn last. @type {Set<number> | undefined} */
let before;

function fill() {
  void wakeLock.start();
  void toggleFullScreen().then(draw);
}

function draw() {
  if (!store.isComplete) return;
  const now = store.clock.now();
  const shown = halves(store.numbers.values(), now, staysMs);
  document.documentElement.dataset.live = String(store.staleSince() === null);
  document.documentElement.classList.toggle("is-bare", document.fullscreenElement !== null);
  renderInto(view(shown, { shell, now, fill }), place);
  for (const half of place.querySelectorAll(/** @type {"section"} */ (".half"))) fit(half);
  announce(shown.ready.map(({ number }) => number));
}

/** Say what has become ready, to whoever listens to the page. @param {number[]} ready */
function announce(ready) {
  const known = before;
  before = new Set(ready);
  const fresh = known ? ready.filter((number) => !known.has(number)) : [];
  if (fresh.length)
    elementOf("board-news").textContent = shell.t("board.news", { count: fresh.length, number: fresh.join(", ") });
}

store.subscribe(draw);
setInterval(() => store.notify(), 1000);
document.addEventListener("fullscreenchange", () => store.notify());
for (const department in shell.page.data.titles)
  store.take("menu", { department, titles: { [shell.page.language]: shell.page.data.titles[department] }, items: [] });
showCurrentLink();
startBanners(store, shell);
void wakeLock.start();
