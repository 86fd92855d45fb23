/** The bar at the top of a station: what it is, how much there is to do, and its drawers. */

import { levelOf } from "../live/tickets.js";
import { icon } from "../ui/icon.js";
import { html, nothing } from "../vendor/lit/lit-html.js";

/** @import { Ticket } from "../live/states.js" */
/** @import { DrawerName, Station } from "./station.js" */

/** @type {Record<DrawerName, string>} */
const ICONS = { counts: "list", recall: "history", stock: "ban", screen: "settings" };

/**
 * @param {Ticket[]} open
 * @param {Station} station
 */
export function bar(open, station) {
  const { shell, store, sound } = station;
  const { t, formats } = shell;
  const now = store.clock.now();
  const late = open.filter((ticket) => levelOf(ticket, now, store.menus.get(ticket.department))).length;
  return html`<div class="station-bar" role="toolbar" aria-label=${station.title}>
    <h1 class="station-title">${station.title}</h1>
    <p class="station-counts">
      <span class="station-open"><strong>${formats.number(open.length)}</strong> ${t("station.open", { count: open.length })}</span>
      ${late ? html`<span class="tag bad"><strong>${formats.number(late)}</strong> ${t("station.late")}</span>` : nothing}
    </p>
    <time class="station-clock">${formats.time(now)}</time>
    <div class="station-tools">
      ${tool("counts", station)} ${tool("recall", station)} ${tool("stock", station)}
      <button class="tool" aria-pressed=${!sound.isMuted} @click=${() => station.toggleSound()}>${icon(sound.isMuted || sound.isBlocked ? "sound-off" : "sound")}<span>${t("station.sound")}</span></button>
      ${tool("screen", station)}
    </div>
  </div>`;
}

/**
 * @param {DrawerName} name
 * @param {Station} station
 */
function tool(name, station) {
  const isShown = station.drawer === name;
  return html`<button class="tool" data-drawer=${name} aria-expanded=${isShown} @click=${() => station.openDrawer(isShown ? null : name)}>
    ${icon(ICONS[name])}<span>${station.shell.t(`station.drawer_${name}`)}</span></button>`;
}
