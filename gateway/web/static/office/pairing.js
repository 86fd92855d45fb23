/** What is shown once: the code that pairs a device, and the secret of a program. */

import { openDialog } from "../ui/dialog.js";
import { html } from "../vendor/lit/lit-html.js";

/** @import { Shell } from "../shell.js" */

/**
 * Show the QR code of an address that makes a browser a device.
 *
 * @param {Shell} shell
 * @param {string} name of the device
 * @param {{address: string, svg: string}} code
 */
export function showPairing({ t }, name, { address, svg }) {
  openDialog(
    t("office.pair_device", { name }),
    html`<p>${t("office.pair_text")}</p>${qrPicture(svg, t("office.pair_device", { name }))}
      <p class="secret"><code>${address}</code></p>`,
    t,
  );
}

/**
 * Show the secret of a program's key.
 *
 * @param {Shell} shell
 * @param {string} name
 * @param {string} secret
 */
export function showSecret({ t }, name, secret) {
  openDialog(
    t("office.secret_of", { name }),
    html`<p>${t("office.secret_text")}</p><p class="secret"><code>${secret}</code></p>`,
    t,
  );
}

/**
 * Draw a code from the document that the API returns: its size and its dark modules. No text of it becomes markup.
 *
 * @param {string} document
 * @param {string} label
 */
export function qrPicture(document, label) {
  const size = /viewBox="([0-9. ]+)"/.exec(document)?.[1] ?? "0 0 1 1";
  const path = /stroke="#000" d="([^"]*)"/.exec(document)?.[1] ?? "";
  const [, , width, height] = size.split(" ");
  return html`<svg class="qr" viewBox=${size} role="img" aria-label=${label}><rect width=${width} height=${height} fill="#fff"></rect>
    <path stroke="#000" d=${path}></path></svg>`;
}
