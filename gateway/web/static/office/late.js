/** The page of open tickets, the latest first: what is late, by how much, and where. */

import { loadingState } from "../ui/states.js";
import { html } from "../vendor/lit/lit-html.js";
import { openTickets } from "./glance.js";
import { lateTable } from "./late_parts.js";
import { startOffice } from "./office.js";
import { tile, tiles } from "./tiles.js";

const office = startOffice(view);
setInterval(office.draw, 1000);

function view() {
  const { t, formats } = office.shell;
  if (!office.store.isComplete) return loadingState(t, 5);
  const open = openTickets(office);
  const late = open.filter(({ isLate }) => isLate);
  return html`${tiles([
    tile("late", t("office.late"), formats.number(late.length), undefined, late.length ? "bad" : ""),
    tile("open", t("office.open_tickets"), formats.number(open.length)),
    tile("oldest", t("office.oldest"), open[0] ? formats.age(open[0].ageMs) : "–"),
  ])}<div class="panel">${lateTable(office, open)}</div>`;
}
