/** The board: two halves of large numbers. */

import { canFullScreen, isFullScreen } from "../device/full_screen.js";
import { icon } from "../ui/icon.js";
import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing } from "../vendor/lit/lit-html.js";

/** @import { Shell } from "../shell.js" */
/** @import { Called } from "./numbers.js" */

const FRESH_MS = 12_000;
const MOST = 60;

/** How many numbers move at once: where everything moves nothing is seen. */
const MOST_MOVING = 6;

/**
 * @param {{making: number[], ready: Called[]}} halves
 * @param {object} options
 * @param {Shell} options.shell
 * @param {number} options.now
 * @param {() => void} options.fill the whole screen, or leave it
 */
export function view({ making, ready }, { shell, now, fill }) {
  const { t, formats, page } = shell;
  return html`<h1 class="visually-hidden">${t("board.title")}</h1>
    <section class="half is-ready" aria-labelledby="ready-title">
      <h2 class="half-title" id="ready-title">${icon("bell")}${t("board.ready")}</h2>
      ${numbers(ready)}
      ${ready.length ? nothing : html`<p class="half-empty">${t("board.none_ready")}</p>`}
    </section>
    <section class="half is-making" aria-labelledby="making-title">
      <h2 class="half-title" id="making-title">${icon("clock")}${t("board.making")}</h2>
      <ul class="numbers">${repeat(
        making.slice(0, MOST),
        (number) => number,
        (number) => html`<li class="number" data-number=${number}>${number}</li>`,
      )}</ul>
      ${making.length ? nothing : html`<p class="half-empty">${t("board.none_making")}</p>`}
      ${more(making.length)}
    </section>
    <p class="board-foot"><time>${formats.time(now)}</time>
      ${canFullScreen() ? html`<button class="button quiet round" aria-label=${isFullScreen() ? t("board.leave_full_screen") : t("board.full_screen")} @click=${fill}>${icon("full-screen")}</button>` : nothing}</p>`;

  /** @param {Called[]} called */
  function numbers(called) {
    const fresh = called.filter(({ since }) => now - since < FRESH_MS);
    const moving = new Set(fresh.length <= MOST_MOVING ? fresh : []);
    return html`<ul class="numbers">${repeat(
      called.slice(0, MOST),
      ({ number }) => number,
      (
        each,
      ) => html`<li class="number ${each.isFading ? "is-fading" : ""} ${moving.has(each) ? "is-fresh" : ""}" data-number=${each.number}>
        <span>${each.number}</span>${where(each)}</li>`,
    )}</ul>${more(called.length)}`;
  }

  /** Where a number is to be fetched. @param {Called} called */
  function where({ departments }) {
    return html`<span class="number-where">${departments.map((name) => page.data.titles[name] ?? name).join(" · ")}</span>`;
  }

  /** @param {number} count */
  function more(count) {
    return count > MOST ? html`<p class="half-more">${t("board.more", { count: count - MOST })}</p>` : nothing;
  }
}
