/** Devices and programs, each with a key: a table, and dialogs to add, pair and revoke one. */

import { icon } from "../ui/icon.js";
import { dataTable } from "../ui/table.js";
import { html } from "../vendor/lit/lit-html.js";
import { change, confirmed } from "./change.js";
import { rowButton, whenColumns } from "./entries.js";
import { showPairing, showSecret } from "./pairing.js";
import { ask } from "./people_part.js";

/** @import { Column } from "../ui/table.js" */
/** @import { Entry } from "./entries.js" */
/** @import { Office } from "./office.js" */

/** @typedef {Entry & {id: string, name: string, role: string, departments: string[], rights: string[]}} Key */

const ROLES = ["station", "waiter", "manager", "service"];

/**
 * @param {Office} office
 * @param {Key[]} rows
 * @param {(lists: any) => void} take
 */
export function keysPart(office, rows, take) {
  const { shell } = office;
  const { t } = shell;
  const pair = async (/** @type {Key} */ { id, name }) => {
    const code = await change(shell, "POST", `/access/keys/${id}/pairing-codes`);
    if (code) showPairing(shell, name, code);
  };
  const revoke = async (/** @type {Key} */ { id, name }) => {
    if (!(await confirmed(shell, t("office.revoke_key", { name }), t("office.revoke_key_text"), t("office.revoke"))))
      return;
    take(await change(shell, "DELETE", `/access/keys/${id}`));
  };
  const add = async () => {
    const made = await askForKey(office);
    if (!made) return;
    take({ keys: [...rows, made.key].sort((one, other) => one.name.localeCompare(other.name)) });
    if (made.key.role === "service") showSecret(shell, made.key.name, made.secret);
    else await pair(made.key);
  };
  /** @type {Column<Key>[]} */
  const columns = [
    { title: t("account.name"), value: ({ name }) => name },
    { title: t("office.role"), value: ({ role }) => t(`office.role_${role}`) },
    {
      title: t("office.for_what"),
      value: ({ departments, rights }) => [...departments.map(office.departmentTitle), ...rights].join(", ") || null,
    },
    ...whenColumns(office),
  ];
  const tools = html`<button class="button" id="add-key" @click=${add}>${icon("plus")}${t("office.add_key")}</button>`;
  const actions = (/** @type {Key} */ key) => html`<span class="row-actions">
    ${key.role === "service" ? "" : rowButton(t("office.pair"), key.name, () => void pair(key))}${rowButton(t("office.revoke"), key.name, () => void revoke(key))}</span>`;
  return dataTable(
    {
      id: "keys",
      title: t("office.keys"),
      columns,
      rows,
      key: ({ id }) => id,
      actions,
      tools,
      file: "devices",
      empty: t("office.no_keys"),
    },
    t,
    office.draw,
  );
}

/**
 * Ask what a new key is for, and make it; returns it with its secret, or null.
 *
 * @param {Office} office
 * @returns {Promise<{key: Key, secret: string} | null>}
 */
async function askForKey(office) {
  const { t } = office.shell;
  const fields = await ask(office, t("office.add_key"), keyFields(office), t("office.add"));
  if (!fields) return null;
  const role = String(fields.get("role"));
  const body = {
    name: fields.get("name"),
    role,
    departments: role === "station" ? fields.getAll("departments") : [],
    rights: role === "service" ? fields.getAll("rights") : [],
  };
  return change(office.shell, "POST", "/access/keys", body);
}

/** @param {Office} office */
function keyFields({ shell, departmentTitle }) {
  const { t, page } = shell;
  const checks = (
    /** @type {string} */ name,
    /** @type {string[]} */ values,
    /** @type {(value: string) => string} */ show,
  ) =>
    values.map(
      (value) =>
        html`<label class="check"><input type="checkbox" name=${name} value=${value} /><span>${show(value)}</span></label>`,
    );
  return html`<label class="field"><span>${t("account.name")}</span><input name="name" required maxlength="64" autocomplete="off" autofocus /></label>
    <label class="field"><span>${t("office.role")}</span><select name="role">${ROLES.map((role) => html`<option value=${role}>${t(`office.role_${role}`)}</option>`)}</select></label>
    <fieldset class="of-station"><legend>${t("office.departments")}</legend>${checks("departments", page.data.departments, departmentTitle)}</fieldset>
    <fieldset class="of-service"><legend>${t("office.rights")}</legend>${checks("rights", page.data.rights, (right) => right)}</fieldset>`;
}
