/** What was changed about an item's stock, the newest first, page by page. */

import { send } from "../moves/send.js";
import { openDialog } from "../ui/dialog.js";
import { errorState, loadingState } from "../ui/states.js";
import { dataTable } from "../ui/table.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { problemOf } from "./change.js";

/** @import { Stock } from "../live/states.js" */
/** @import { Column } from "../ui/table.js" */
/** @import { Office } from "./office.js" */

/**
 * @typedef {object} Change of GET /stock/…/changes
 * @property {string} change_id
 * @property {string} reason
 * @property {number} delta
 * @property {number} on_hand
 * @property {string | null} changed_by
 * @property {string | null} changed_at
 * @property {number} revision
 */

/**
 * @param {Office} office
 * @param {Stock} stock
 */
export async function openHistory(office, stock) {
  const { t } = office.shell;
  const title = t("office.history_of", { item: office.itemTitle(stock.department, stock.item) });
  /** @type {Change[]} */
  const changes = [];
  /** @type {string | null} */
  let next = "";
  let wrong = "";
  const draw = () => dialog.update(content());
  const more = async () => {
    const path = `/stock/${stock.department}/${encodeURIComponent(stock.item)}/changes?limit=50${next ? `&cursor=${next}` : ""}`;
    const reply = await send("GET", path, undefined);
    wrong = reply.status === 200 ? "" : problemOf(office.shell, reply);
    if (reply.status === 200) {
      changes.push(...reply.body.changes);
      next = reply.body.next;
    }
    draw();
  };
  const content = () => {
    if (wrong) return errorState(t, wrong, () => void more());
    if (next === "") return loadingState(t);
    return html`${dataTable(tableOf(office, stock, changes), t, draw)}
      ${next ? html`<button class="button" @click=${more}>${t("office.show_more")}</button>` : nothing}`;
  };
  const dialog = openDialog(title, content(), t, "wide");
  await more();
}

/**
 * @param {Office} office
 * @param {Stock} stock
 * @param {Change[]} rows
 */
function tableOf({ shell }, stock, rows) {
  const { t, formats } = shell;
  const at = (/** @type {Change} */ { changed_at }) => (changed_at ? Date.parse(changed_at) : 0);
  const reason = (/** @type {Change} */ change) => t(`office.reason_${change.reason}`);
  /** @type {Column<Change>[]} */
  const columns = [
    {
      title: t("office.when"),
      value: (row) => (at(row) ? formats.stamp(at(row)) : null),
      cell: (row) => (at(row) ? formats.moment(at(row)) : "–"),
    },
    { title: t("office.reason"), value: reason },
    { title: t("office.came"), value: ({ delta }) => (delta > 0 ? delta : null), isNumber: true },
    { title: t("office.went"), value: ({ delta }) => (delta < 0 ? -delta : null), isNumber: true },
    { title: t("office.on_hand"), value: ({ on_hand }) => on_hand, isNumber: true },
    { title: t("office.who"), value: ({ changed_by }) => changed_by },
  ];
  const key = (/** @type {Change} */ { revision, change_id }) => `${revision} ${change_id}`;
  return {
    id: "history",
    title: t("office.changes"),
    columns,
    rows,
    key,
    file: `stock-${stock.department}-${stock.item}`,
    empty: t("office.no_changes"),
  };
}
