/** Short messages at the bottom: what just happened, with at most one action, such as undo. */

import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing, render } from "../vendor/lit/lit-html.js";

/**
 * @typedef {object} Toast
 * @property {string} text
 * @property {"" | "bad"} [kind]
 * @property {string} [label] of the action
 * @property {() => void} [act] what the action does; the toast leaves
 * @property {number} [seconds] how long it stays, 5 unless given
 * @property {() => void} [expired] called where the toast leaves without its action
 */

/** @type {Map<number, Toast>} */
const shown = new Map();
let last = 0;

/**
 * Show a toast; returns a function that removes it.
 *
 * @param {Toast} toast
 * @returns {() => void}
 */
export function showToast(toast) {
  last += 1;
  const id = last;
  shown.set(id, toast);
  const leave = () => {
    clearTimeout(timer);
    shown.delete(id);
    draw();
  };
  const timer = setTimeout(
    () => {
      leave();
      toast.expired?.();
    },
    (toast.seconds ?? 5) * 1000,
  );
  draw();
  return leave;
}

function draw() {
  const place = document.getElementById("toasts");
  if (!place) return;
  const one = (/** @type {[number, Toast]} */ [id, toast]) => html`<div class="toast ${toast.kind ?? ""}">
    <span>${toast.text}</span>
    ${toast.act ? html`<button class="button" @click=${() => act(id, toast)}>${toast.label}</button>` : nothing}
  </div>`;
  const key = (/** @type {[number, Toast]} */ [id]) => id;
  render(repeat(shown, key, one), place);
}

/**
 * @param {number} id
 * @param {Toast} toast
 */
function act(id, toast) {
  shown.delete(id);
  draw();
  toast.act?.();
}
