/** The row of categories: it follows the scroll. The server rendered its links, which work without this. */

import { repeat } from "../vendor/lit/directives/repeat.js";
import { html } from "../vendor/lit/lit-html.js";

/** @import { App } from "./app.js" */

/** @param {App} app */
export function chips(app) {
  const found = app.catalog.search(app.query).departments;
  const all = found.flatMap(({ title, categories }) =>
    categories.map((each) => ({ id: each.id, title: each.title || title })),
  );
  return repeat(
    all,
    ({ id }) => id,
    ({ id, title }) => html`<a class="chip" href=${`#${id}`}>${title}</a>`,
  );
}

/**
 * Mark the chip of the category that is at the top of the screen.
 *
 * @param {HTMLElement} row
 */
export function followScroll(row) {
  let isWaiting = false;
  const mark = () => {
    isWaiting = false;
    const links = /** @type {HTMLAnchorElement[]} */ ([...row.querySelectorAll("a")]);
    const edge = row.getBoundingClientRect().bottom + 48;
    const isAtEnd = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2;
    const above = links.filter((link) => isAbove(link.hash.slice(1), edge));
    const current = (isAtEnd ? links.at(-1) : above.at(-1)) ?? links[0];
    for (const link of links) setCurrent(link, link === current, row);
  };
  const soon = () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(mark);
  };
  document.addEventListener("scroll", soon, { passive: true });
  return soon;
}

/**
 * @param {string} id
 * @param {number} edge
 */
function isAbove(id, edge) {
  const heading = document.getElementById(id);
  return heading !== null && heading.getBoundingClientRect().top <= edge;
}

/**
 * @param {HTMLAnchorElement} link
 * @param {boolean} isCurrent
 * @param {HTMLElement} row
 */
function setCurrent(link, isCurrent, row) {
  if (isCurrent === link.hasAttribute("aria-current")) return;
  if (!isCurrent) return link.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  row.scrollTo({ left: link.offsetLeft - (row.clientWidth - link.clientWidth) / 2, behavior: "smooth" });
}
