/** The page of the design system: each part as pages use it. */

import { startShell } from "../shell.js";
import { openDialog } from "../ui/dialog.js";
import { elementOf, renderInto } from "../ui/take_over.js";
import { showToast } from "../ui/toast.js";
import { html } from "../vendor/lit/lit-html.js";
import { cardsPart, iconsPart, statesPart } from "./parts.js";

const { t } = startShell();

const COLOURS = [
  "paper",
  "surface",
  "sunken",
  "ink",
  "ink-soft",
  "line",
  "accent",
  "accent-soft",
  "good",
  "good-soft",
].concat(["warn", "warn-soft", "warn-bold", "bad", "bad-soft", "bad-bold"]);
const SIZES = ["display", "title-large", "title", "title-small", "text-large", "text", "text-small"];

/**
 * @param {string} title
 * @param {unknown} content
 */
const section = (title, content) => html`<section class="styles-section"><h2>${title}</h2>${content}</section>`;

const colours = html`<ul class="swatches">
  ${COLOURS.map((name) => html`<li><span class="swatch ${name}"></span><code>${name}</code></li>`)}
</ul>`;

const type = SIZES.map((name) => html`<p class="sample ${name}">${t("styles.sample")} <code>${name}</code></p>`);

const buttons = html`<p class="styles-row">
    <button class="button primary">${t("ui.again")}</button> <button class="button">${t("ui.close")}</button>
    <button class="button danger">${t("state.cancelled")}</button> <button class="button quiet">${t("ui.undo")}</button>
    <button class="button" disabled>${t("ui.again")}</button></p>
  <p class="styles-row"><button class="button primary large">${t("state.ready")}</button></p>`;

const forms = html`<div class="form styles-form">
  <label class="field"><span>${t("styles.type")}</span><input placeholder=${t("styles.sample")} /></label>
  <label class="field"><span>${t("styles.cards")}</span><textarea rows="2"></textarea></label></div>`;

const messages = html`<div class="banner bad"><span>${t("ui.stale", { time: "12:07" })}</span></div>
  <div class="banner"><span>${t("ui.department_away", { department: "Bar", time: "12:07" })}</span></div>
  <p class="styles-row"><button class="button" @click=${toast}>${t("styles.toast")}</button>
    <button class="button" @click=${dialog}>${t("styles.dialog")}</button></p>`;

function toast() {
  showToast({ text: t("styles.sample"), label: t("ui.undo"), act: () => {} });
}

function dialog() {
  openDialog(t("styles.dialog"), html`<p>${t("styles.sample")}</p>`, t);
}

renderInto(
  html`${section(t("styles.colours"), colours)} ${section(t("styles.type"), type)}
  ${section(t("styles.buttons"), buttons)} ${section(t("styles.cards"), cardsPart(t))}
  ${section(t("styles.forms"), forms)} ${section(t("styles.messages"), messages)}
  ${section(t("styles.states"), statesPart(t))} ${section(t("styles.icons"), iconsPart())}`,
  elementOf("styles-app"),
);
