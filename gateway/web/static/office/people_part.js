/** The people who sign in with a PIN: a table, and dialogs to add one, to change a PIN and to remove one. */

import { openDialog } from "../ui/dialog.js";
import { icon } from "../ui/icon.js";
import { dataTable } from "../ui/table.js";
import { html } from "../vendor/lit/lit-html.js";
import { change, confirmed } from "./change.js";
import { rowButton, whenColumns } from "./entries.js";

/** @import { Column } from "../ui/table.js" */
/** @import { Entry } from "./entries.js" */
/** @import { Office } from "./office.js" */

/** @typedef {Entry & {id: string, name: string, role: string}} Person */

const ROLES = ["waiter", "manager"];

/**
 * @param {Office} office
 * @param {Person[]} rows
 * @param {(lists: any) => void} take
 */
export function peoplePart(office, rows, take) {
  const { shell } = office;
  const { t } = shell;
  const set = async (/** @type {Person} */ { id, name }) => {
    const fields = await ask(office, t("office.pin_of", { name }), pinField(t), t("office.set_pin"));
    if (fields) take(await change(shell, "PUT", `/access/people/${id}/pin`, { pin: fields.get("pin") }));
  };
  const remove = async (/** @type {Person} */ { id, name }) => {
    if (
      !(await confirmed(shell, t("office.remove_person", { name }), t("office.remove_person_text"), t("office.remove")))
    )
      return;
    take(await change(shell, "DELETE", `/access/people/${id}`));
  };
  const add = async () => {
    const fields = await ask(office, t("office.add_person"), personFields(t), t("office.add"));
    if (fields) take(await change(shell, "POST", "/access/people", Object.fromEntries(fields)));
  };
  /** @type {Column<Person>[]} */
  const columns = [
    { title: t("account.name"), value: ({ name }) => name },
    { title: t("office.role"), value: ({ role }) => t(`office.role_${role}`) },
    ...whenColumns(office),
  ];
  const tools = html`<button class="button" id="add-person" @click=${add}>${icon("plus")}${t("office.add_person")}</button>`;
  const actions = (/** @type {Person} */ person) => html`<span class="row-actions">
    ${rowButton(t("office.new_pin"), person.name, () => void set(person))}${rowButton(t("office.remove"), person.name, () => void remove(person))}</span>`;
  return dataTable(
    {
      id: "people",
      title: t("office.people"),
      columns,
      rows,
      key: ({ id }) => id,
      actions,
      tools,
      file: "people",
      empty: t("office.no_people"),
    },
    t,
    office.draw,
  );
}

/** @param {import("../ui/texts.js").Translate} t */
const pinField = (
  t,
) => html`<label class="field"><span>${t("account.pin")}</span><input name="pin" type="password" inputmode="numeric"
    autocomplete="new-password" required minlength="4" maxlength="8" pattern="[0-9]*" /></label><p class="hint">${t("account.pin_hint")}</p>`;

/** @param {import("../ui/texts.js").Translate} t */
const personFields = (
  t,
) => html`<label class="field"><span>${t("account.name")}</span><input name="name" required maxlength="64" autocomplete="off" autofocus /></label>
  <label class="field"><span>${t("office.role")}</span><select name="role">${ROLES.map((role) => html`<option value=${role}>${t(`office.role_${role}`)}</option>`)}</select></label>
  ${pinField(t)}`;

/**
 * Ask for some fields; returns them, or null where the dialog was closed.
 *
 * @param {Office} office
 * @param {string} title
 * @param {unknown} fields
 * @param {string} label of the button
 * @returns {Promise<FormData | null>}
 */
export async function ask({ shell }, title, fields, label) {
  /** @type {FormData | null} */
  let found = null;
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    found = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    dialog.close();
  };
  const dialog = openDialog(
    title,
    html`<form class="form" @submit=${submit}>${fields}<button class="button primary large">${label}</button></form>`,
    shell.t,
  );
  await dialog.closed;
  return found;
}
