/** What every page of the office has: the live store, reports that are read again as time goes on, and names. */

import { DeviceStorage } from "../device/storage.js";
import { connect } from "../live/connect.js";
import { stopWhileHidden } from "../live/events.js";
import { Moves } from "../moves/moves.js";
import { Queue } from "../moves/queue.js";
import { waitingBanner } from "../moves/tell.js";
import { startShell } from "../shell.js";
import { startBanners } from "../ui/banner.js";
import { showCurrentLink } from "../ui/nav.js";
import { isPointerDown, onPointerUp } from "../ui/pointer.js";
import { elementOf, renderInto } from "../ui/take_over.js";
import { titleIn } from "../ui/texts.js";

/** @import { Shell } from "../shell.js" */
/** @import { Store } from "../live/store.js" */

/**
 * @typedef {object} Days
 * @property {string} name today, yesterday, week or day
 * @property {string} first_day
 * @property {string} last_day
 * @property {string} today
 * @property {string} from
 * @property {string} to
 * @property {number} to_ms
 *
 * @typedef {object} Office
 * @property {Shell} shell
 * @property {Store} store
 * @property {Moves} moves
 * @property {Days} days
 * @property {() => void} draw shows the page again, soon
 * @property {(department: string) => string} departmentTitle
 * @property {(department: string, item: string) => string} itemTitle
 */

/**
 * Begin a page of the office; `view` returns what it shows.
 *
 * @param {(office: Office) => unknown} view
 * @returns {Office}
 */
export function startOffice(view) {
  const shell = startShell();
  const { store, client } = connect(shell.page, {});
  const moves = new Moves({ store, queue: new Queue(new DeviceStorage()) });
  const place = elementOf("office-app");
  const { language } = shell.page;
  const office = {
    shell,
    store,
    moves,
    days: shell.page.data.range,
    draw: () => store.notify(),
    departmentTitle: (/** @type {string} */ name) => titleIn(store.menus.get(name)?.titles ?? {}, language, name),
    itemTitle: (/** @type {string} */ department, /** @type {string} */ item) =>
      titleIn(store.menus.get(department)?.items.find(({ id }) => id === item)?.titles ?? {}, language, item),
  };
  store.subscribe(() => {
    document.documentElement.dataset.live = String(store.isComplete && store.staleSince() === null);
    if (!isPointerDown()) renderInto(view(office), place);
  });
  onPointerUp(office.draw);
  stopWhileHidden(client);
  startBanners(store, shell, () => waitingBanner(moves, shell));
  showCurrentLink();
  addEventListener("resize", office.draw);
  moves.flush();
  return office;
}
