/** Says how many cards are below the screen's edge, from sizes that the browser has told: it asks for no layout. */

import { countBelow } from "../ui/columns.js";
import { elementOf } from "../ui/take_over.js";
import { render } from "../vendor/lit/lit-html.js";
import { moreBelow } from "./view.js";

/** @import { Station } from "./station.js" */

/** What of a card has to be above the edge, in CSS pixels. */
const SEEN = 48;

/** The part of the list that is on the screen, in CSS pixels. */
const shown = { top: 0, height: 0 };

/** @type {Element | null} */
let scroller = null;

/** @param {Station} station */
export function drawBelow(station) {
  watch(station);
  const below = countBelow(document.querySelector(".tickets"), shown.top + shown.height - SEEN);
  render(moreBelow(below, station), elementOf("station-below"));
}

/** Follow what scrolls the cards. @param {Station} station */
function watch(station) {
  const found = document.querySelector(".station-main");
  if (!found || found === scroller) return;
  scroller = found;
  const follow = () => {
    shown.top = found.scrollTop;
    shown.height = found.clientHeight;
    drawBelow(station);
  };
  found.addEventListener("scroll", follow, { passive: true });
  new ResizeObserver(follow).observe(found);
}
