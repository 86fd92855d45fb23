/** Charts as SVG: each value stands at its bar as text, so that nobody needs the colours, nor to guess from an axis. */

import { elementOf } from "../ui/take_over.js";
import { html, nothing, svg } from "../vendor/lit/lit-html.js";
import { shortened } from "./labels.js";

/**
 * @typedef {object} Bar
 * @property {string} label
 * @property {number} value
 * @property {string} text the value as people write it
 * @property {number} [limit] a second, larger value: a line that ends there
 */

const ROW = 44;
const COLUMN_HEIGHT = 220;
const TOP = 26;
const BOTTOM = 28;
/** The width from which on tables stand beside their charts: see `.has-chart`. */
const BESIDE = 900;
const LETTER = 8.5;
/** The least room between a label and the value beside it. */
const BETWEEN = 12;

/**
 * Return the width of a chart: of the page, or of half of it.
 *
 * @param {number} beside the page's width from which on something else stands beside the chart
 */
function widthOf(beside) {
  const whole = elementOf("office-app").clientWidth;
  return Math.max(240, Math.round(whole >= beside ? whole * 0.5 - 40 : whole - 34));
}

/**
 * A chart within its figure.
 *
 * @param {string} title
 * @param {number} width
 * @param {number} height
 * @param {unknown} content
 * @param {unknown} [legend]
 */
const figure = (title, width, height, content, legend = nothing) =>
  html`<figure class="chart"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label=${title}>${content}</svg>
    ${legend}</figure>`;

/**
 * Bars side by side, for hours.
 *
 * @param {string} title
 * @param {Bar[]} bars
 * @param {number} [beside]
 */
export function columnChart(title, bars, beside = BESIDE) {
  const width = widthOf(beside);
  const step = width / Math.max(bars.length, 1);
  const most = Math.max(...bars.map(({ value }) => value), 1);
  const scale = (COLUMN_HEIGHT - TOP - BOTTOM) / most;
  const base = COLUMN_HEIGHT - BOTTOM;
  const every = Math.ceil(34 / step);
  const hasTexts = step >= LETTER * Math.max(...bars.map(({ text }) => text.length), 0);
  const best = bars.findIndex(({ value }) => value === most);
  const column = (/** @type {Bar} */ { label, value, text }, /** @type {number} */ at) => {
    const tall = Math.max(value * scale, value ? 2 : 0);
    const middle = step * (at + 0.5);
    return svg`<g><title>${label}: ${text}</title>
      <rect class="chart-bar" x=${middle - Math.min(step * 0.36, 32)} y=${base - tall} width=${Math.min(step * 0.72, 64)} height=${tall} rx="3"></rect>
      ${value && (hasTexts || at === best) ? svg`<text class="chart-value" x=${inside(middle, width, text)} y=${base - tall - 7} text-anchor="middle">${text}</text>` : nothing}
      ${at % every === 0 ? svg`<text class="chart-label" x=${middle} y=${COLUMN_HEIGHT - 8} text-anchor="middle">${label}</text>` : nothing}</g>`;
  };
  const line = svg`<line class="chart-axis" x1="0" x2=${width} y1=${base + 0.5} y2=${base + 0.5}></line>`;
  return figure(title, width, COLUMN_HEIGHT, svg`${bars.map(column)}${line}`);
}

/**
 * Keep a text that is centred within the picture.
 *
 * @param {number} middle
 * @param {number} width
 * @param {string} text
 */
function inside(middle, width, text) {
  const half = (text.length * LETTER) / 2;
  return Math.min(Math.max(middle, half), width - half);
}

/**
 * Bars below each other, each with its name above it; a limit is a thin line that ends in a tick.
 *
 * @param {string} title
 * @param {Bar[]} bars
 * @param {unknown} [legend]
 * @param {number} [beside]
 */
export function rowChart(title, bars, legend, beside = BESIDE) {
  const width = widthOf(beside);
  const most = Math.max(...bars.map(({ value, limit }) => Math.max(value, limit ?? 0)), 1);
  const scale = (width - 1) / most;
  const row = (/** @type {Bar} */ { label, value, text, limit }, /** @type {number} */ at) => {
    const y = at * ROW;
    const end = (limit ?? 0) * scale;
    return svg`<g><title>${label}: ${text}</title>
      <text class="chart-label" x="0" y=${y + 15}>${shortened(label, width - LETTER * text.length - BETWEEN)}</text>
      <text class="chart-value" x=${width} y=${y + 15} text-anchor="end">${text}</text>
      <rect class="chart-track" x="0" y=${y + 23} width=${width} height="12" rx="3"></rect>
      <rect class="chart-bar" x="0" y=${y + 23} width=${Math.max(value * scale, value ? 3 : 0)} height="12" rx="3"></rect>
      ${limit ? svg`<path class="chart-limit" d="M ${value * scale} ${y + 29} H ${end} M ${end} ${y + 22} V ${y + 36}"></path>` : nothing}</g>`;
  };
  return figure(title, width, Math.max(bars.length * ROW, ROW), svg`${bars.map(row)}`, legend);
}
