/** Changes under `/access`: where the sign-in is too long ago, the PIN is asked for, and the change sent again. */

import { send } from "../moves/send.js";
import { openDialog } from "../ui/dialog.js";
import { showToast } from "../ui/toast.js";
import { html, nothing } from "../vendor/lit/lit-html.js";

/** @import { Reply } from "../moves/send.js" */
/** @import { Shell } from "../shell.js" */

const SIGN_IN_AGAIN = "urn:comanda:sign-in-again";

/**
 * Send a change; returns what the API returned, or null where it was not made, which was said.
 *
 * @param {Shell} shell
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
export async function change(shell, method, path, body) {
  let reply = await send(method, path, body);
  while (reply.status === 403 && reply.body?.type === SIGN_IN_AGAIN) {
    if (!(await askForPin(shell))) return null;
    reply = await send(method, path, body);
  }
  if (reply.status >= 200 && reply.status < 300) return reply.body;
  showToast({ text: problemOf(shell, reply), kind: "bad", seconds: 8 });
  return null;
}

/**
 * Say in words what was wrong.
 *
 * @param {Shell} shell
 * @param {Reply} reply
 */
export function problemOf({ t }, { status, body }) {
  if (status === 0) return t("office.no_connection");
  if (status === 401 || status === 403) return t("moves.not_allowed");
  return t("moves.refused", { reason: body?.detail ?? body?.title ?? String(status) });
}

/**
 * Ask for the PIN until it is right; returns whether it was.
 *
 * @param {Shell} shell
 * @returns {Promise<boolean>}
 */
async function askForPin({ t, page }) {
  let isRight = false;
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const fields = new FormData(form);
    const reply = await send("POST", "/sign-in", { name: fields.get("name"), pin: fields.get("pin") });
    isRight = reply.status === 200;
    if (isRight) return dialog.close();
    form.reset();
    dialog.update(
      content(reply.status === 401 ? t("account.wrong_pin") : (reply.body?.detail ?? t("office.no_connection"))),
    );
    /** @type {HTMLInputElement | null} */ (form.querySelector("[name=pin]"))?.focus();
  };
  const content = (/** @type {string} */ wrong) => html`<form class="form" @submit=${submit}>
    <p>${t("office.pin_why")}</p>${wrong ? html`<p class="alert" role="alert">${wrong}</p>` : nothing}
    <label class="field"><span>${t("account.name")}</span><input name="name" autocomplete="username" required maxlength="64"
      .defaultValue=${page.person ?? ""} ?autofocus=${!page.person} /></label>
    <label class="field"><span>${t("account.pin")}</span><input name="pin" type="password" inputmode="numeric" required
      autocomplete="current-password" minlength="4" maxlength="8" pattern="[0-9]*" ?autofocus=${Boolean(page.person)} /></label>
    <button class="button primary large">${t("account.pin_go")}</button></form>`;
  const dialog = openDialog(t("account.pin_again"), content(""), t);
  await dialog.closed;
  return isRight;
}

/**
 * Ask whether something that cannot be undone is meant; returns whether it is.
 *
 * @param {Shell} shell
 * @param {string} title
 * @param {string} text
 * @param {string} label of the button
 * @returns {Promise<boolean>}
 */
export async function confirmed({ t }, title, text, label) {
  let isMeant = false;
  const yes = () => {
    isMeant = true;
    dialog.close();
  };
  const dialog = openDialog(
    title,
    html`<p>${text}</p><p class="dialog-actions"><button class="button" @click=${() => dialog.close()}>${t("office.keep")}</button>
      <button class="button danger" @click=${yes}>${label}</button></p>`,
    t,
  );
  await dialog.closed;
  return isMeant;
}
