/** The table of open tickets. */

import { standingOf } from "../live/tickets.js";
import { icon } from "../ui/icon.js";
import { dataTable } from "../ui/table.js";
import { html, nothing } from "../vendor/lit/lit-html.js";

/** @import { Column } from "../ui/table.js" */
/** @import { OpenTicket } from "./glance.js" */
/** @import { Office } from "./office.js" */

/**
 * @param {Office} office
 * @param {OpenTicket[]} rows
 */
export function lateTable(office, rows) {
  const { t, formats } = office.shell;
  const items = (/** @type {OpenTicket} */ { ticket }) =>
    standingOf(ticket)
      .map(({ line }) => `${line.quantity}× ${office.itemTitle(ticket.department, line.item)}`)
      .join(", ");
  const seconds = (/** @type {number} */ ms) => Math.round(ms / 1000);
  /** @type {Column<OpenTicket>[]} */
  const columns = [
    {
      title: t("office.ticket"),
      value: ({ ticket }) => ticket.number,
      cell: ({ ticket }) => html`<strong>${ticket.number ?? "–"}</strong>`,
    },
    { title: t("office.table"), value: ({ ticket }) => ticket.table },
    { title: t("office.department"), value: ({ ticket }) => office.departmentTitle(ticket.department) },
    {
      title: t("office.state"),
      value: ({ ticket }) => t(`state.${ticket.state}`),
      cell: ({ ticket }) => html`<span class="tag">${t(`state.${ticket.state}`)}</span>`,
    },
    {
      title: t("office.age"),
      value: ({ ageMs }) => seconds(ageMs),
      cell: ({ ageMs }) => formats.age(ageMs),
      isNumber: true,
    },
    {
      title: t("office.late_by"),
      value: ({ lateMs }) => seconds(lateMs) || null,
      cell: (row) => (row.isLate ? lateTag(office, row) : "–"),
      isNumber: true,
    },
    { title: t("office.items"), value: items },
  ];
  return dataTable(
    {
      id: "open-tickets",
      title: t("office.open_tickets"),
      columns,
      rows,
      key: ({ ticket }) => `${ticket.department} ${ticket.order_id}`,
      rowClass: ({ isLate }) => (isLate ? "is-late" : ""),
      file: `tickets-${office.days.today}`,
      empty: t("office.no_tickets"),
    },
    t,
    office.draw,
  );
}

/**
 * @param {Office} office
 * @param {OpenTicket} row
 */
const lateTag = ({ shell }, { lateMs, isVeryLate }) =>
  html`<span class="tag ${isVeryLate ? "bad" : "warn"}">${icon(isVeryLate ? "alert" : "clock")}+${shell.formats.age(lateMs)}${isVeryLate ? html` <span>${shell.t("office.very")}</span>` : nothing}</span>`;
