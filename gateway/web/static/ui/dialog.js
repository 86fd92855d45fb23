/** Dialogs: the browser's own element, which keeps the focus inside and closes by Escape. */

import { html, render } from "../vendor/lit/lit-html.js";
import { icon } from "./icon.js";

/** @import { Translate } from "./texts.js" */

/**
 * @typedef {object} Dialog
 * @property {(content: unknown) => void} update shows other content
 * @property {() => void} close
 * @property {Promise<void>} closed
 */

/**
 * Open a dialog.
 *
 * @param {string} title
 * @param {unknown} content a template
 * @param {Translate} t
 * @param {"" | "wide"} kind
 * @returns {Dialog}
 */
export function openDialog(title, content, t, kind = "") {
  const element = document.createElement("dialog");
  element.className = `dialog ${kind}`;
  element.setAttribute("aria-label", title);
  const update = (/** @type {unknown} */ shown) =>
    render(
      html`<div class="dialog-content"><div class="dialog-head"><h2>${title}</h2>
        <button class="button quiet round" aria-label=${t("ui.close")} @click=${() => element.close()}>${icon("x")}</button></div>
        ${shown}</div>`,
      element,
    );
  update(content);
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });
  document.body.append(element);
  const closed = new Promise((/** @type {(value: void) => void} */ resolve) => {
    element.addEventListener("close", () => {
      element.remove();
      resolve();
    });
  });
  element.showModal();
  return { update, close: () => element.close(), closed };
}
