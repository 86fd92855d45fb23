/** The banners at the top: that the page is out of date, since when; which department is away; and what pages add. */

import { html, render } from "../vendor/lit/lit-html.js";
import { icon } from "./icon.js";
import { isPointerDown } from "./pointer.js";
import { titleIn } from "./texts.js";

/** @import { Store } from "../live/store.js" */
/** @import { Shell } from "../shell.js" */

/**
 * @typedef {object} Banner
 * @property {string} text
 * @property {string} icon
 * @property {"" | "bad" | "good"} [kind]
 * @property {"alert" | "status"} [role] `status` where it is not urgent
 * @property {string} [label] of its button
 * @property {() => void} [act]
 */

/**
 * Keep the banners up to date, every second and with each change.
 *
 * @param {Store} store
 * @param {Shell} shell
 * @param {() => Banner[]} more what the page adds
 * @param {typeof connectionBanners} ofConnection what the page says of the connection
 * @returns {() => void} draws them now
 */
export function startBanners(store, shell, more = () => [], ofConnection = connectionBanners) {
  const place = document.getElementById("banners");
  const draw = () => {
    if (!place || isPointerDown()) return;
    const banners = [...ofConnection(store, shell), ...more()];
    document.documentElement.classList.toggle("is-stale", store.staleSince() !== null);
    render(banners.map(one), place);
  };
  store.subscribe(draw);
  setInterval(draw, 1000);
  draw();
  return draw;
}

/**
 * Return what has to be said of the connection.
 *
 * @param {Store} store
 * @param {Shell} shell
 * @returns {Banner[]}
 */
export function connectionBanners(store, { t, formats, page }) {
  if (store.isRefused) {
    const act = () => location.assign("/sign-in");
    return [{ kind: "bad", icon: "lock", text: t("ui.refused"), label: t("ui.sign_in"), act }];
  }
  const since = store.staleSince();
  if (since !== null) {
    return [{ kind: "bad", icon: "offline", text: t("ui.stale", { time: formats.time(since) }) }];
  }
  return store.away().map(({ name, since }) => ({
    icon: "alert",
    text: t("ui.department_away", {
      department: titleIn(store.menus.get(name)?.titles ?? {}, page.language, name),
      time: formats.time(Date.parse(since)),
    }),
  }));
}

/** @param {Banner} banner */
function one(banner) {
  return html`<div class="banner ${banner.kind ?? ""}" role=${banner.role ?? "alert"}>${icon(banner.icon)}<span>${banner.text}</span>
    ${banner.act ? html`<button class="button" @click=${banner.act}>${banner.label}</button>` : ""}</div>`;
}
