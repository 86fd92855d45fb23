/** The station page: a department's tickets, live. */

import { DeviceStorage } from "../device/storage.js";
import { connect } from "../live/connect.js";
import { isClosed } from "../live/store.js";
import { Moves } from "../moves/moves.js";
import { Queue } from "../moves/queue.js";
import { tellResults, waitingBanner } from "../moves/tell.js";
import { startShell } from "../shell.js";
import { startBanners } from "../ui/banner.js";
import { elementOf, renderInto } from "../ui/take_over.js";
import { cards } from "./cards.js";

const shell = startShell();
const { department } = shell.page.data;
const { store } = connect(shell.page, { departments: department });
const moves = new Moves({ store, queue: new Queue(new DeviceStorage()) });
const place = elementOf("station-app");

function draw() {
  if (!store.isComplete) return;
  const tickets = store.ticketsOf(department).map((ticket) => moves.shown(ticket));
  renderInto(
    cards(
      tickets.filter((ticket) => !isClosed(ticket)),
      { shell, store, moves },
    ),
    place,
  );
}

store.subscribe(draw);
setInterval(draw, 1000);
startBanners(store, shell, () => waitingBanner(moves, shell));
tellResults(moves, shell);
moves.flush();
