/** Who is signed in where, and how to end it. */

import { dataTable } from "../ui/table.js";
import { html } from "../vendor/lit/lit-html.js";
import { change, confirmed } from "./change.js";
import { rowButton, whenColumns } from "./entries.js";

/** @import { Column } from "../ui/table.js" */
/** @import { Entry } from "./entries.js" */
/** @import { Office } from "./office.js" */

/** @typedef {Entry & {id: string, person: string | null, device: string | null, table: string | null, is_own: boolean}} Session */

/**
 * @param {Office} office
 * @param {Session[]} rows
 * @param {(lists: any) => void} take
 */
export function sessionsPart(office, rows, take) {
  const { shell } = office;
  const { t } = shell;
  const end = async (/** @type {Session} */ { id }) => take(await change(shell, "DELETE", `/access/sessions/${id}`));
  const endAll = async () => {
    if (!(await confirmed(shell, t("office.end_all"), t("office.end_all_text"), t("office.end_all")))) return;
    take(await change(shell, "DELETE", "/access/sessions"));
  };
  const who = (/** @type {Session} */ { person, device, table }) =>
    person ?? device ?? (table ? t("sheet.table", { table }) : t("office.guest"));
  /** @type {Column<Session>[]} */
  const columns = [
    {
      title: t("office.who"),
      value: who,
      cell: (row) =>
        html`${who(row)}${row.is_own ? html` <span class="tag good">${t("office.this_device")}</span>` : ""}`,
    },
    { title: t("office.device"), value: ({ device }) => device },
    ...whenColumns(office),
  ];
  const tools = html`<button class="button quiet" id="end-all" @click=${endAll}>${t("office.end_all")}</button>`;
  const actions = (/** @type {Session} */ row) =>
    row.is_own
      ? ""
      : html`<span class="row-actions">${rowButton(t("office.end"), who(row), () => void end(row))}</span>`;
  return dataTable(
    {
      id: "sessions",
      title: t("office.sessions"),
      columns,
      rows,
      key: ({ id }) => id,
      actions,
      tools,
      file: "sessions",
      empty: t("office.no_sessions"),
    },
    t,
    office.draw,
  );
}
