/** The codes on the tables: a sheet to print, and voiding all of them. */

import { icon } from "../ui/icon.js";
import { showToast } from "../ui/toast.js";
import { html } from "../vendor/lit/lit-html.js";
import { change, confirmed } from "./change.js";

/** @import { Office } from "./office.js" */

/** @param {Office} office */
export function tablesPart({ shell }) {
  const { t } = shell;
  const voidAll = async () => {
    if (!(await confirmed(shell, t("office.void_codes"), t("office.void_codes_text"), t("office.void")))) return;
    if (await change(shell, "DELETE", "/access/table-codes")) showToast({ text: t("office.codes_voided") });
  };
  return html`<section class="table-block" aria-labelledby="codes-title">
    <div class="table-bar"><h2 id="codes-title">${t("office.table_codes")}</h2><div class="table-tools">
      <button class="button quiet" id="void-codes" @click=${voidAll}>${t("office.void_codes")}</button></div></div>
    <form class="sheet-ask" action="/access/tables/qr"><label class="field"><span>${t("sheet.tables")}</span>
      <input name="tables" required maxlength="1000" placeholder="1-12, Terrace 1" /></label>
      <button class="button primary">${icon("printer")}${t("office.print_sheet")}</button></form></section>`;
}
