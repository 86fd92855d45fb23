/** The page of the audit log: who did what, when and from where, page by page. */

import { send } from "../moves/send.js";
import { errorState, loadingState } from "../ui/states.js";
import { dataTable } from "../ui/table.js";
import { showToast } from "../ui/toast.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { startOffice } from "./office.js";

/** @import { Column } from "../ui/table.js" */

/**
 * @typedef {object} Line of GET /access/audit
 * @property {string} at
 * @property {string} who
 * @property {string} what
 * @property {string} subject
 * @property {string} origin
 */

const PAGE = 100;
const FILE_PAGE = 1000;

/** @type {Line[]} */
const lines = [];
/** @type {string | null} */
let next = "";
let wrong = 0;

const office = startOffice(view);

/**
 * @param {number} limit
 * @param {string} cursor
 */
const read = (limit, cursor) =>
  send("GET", `/access/audit?limit=${limit}${cursor ? `&cursor=${cursor}` : ""}`, undefined);

void more();

async function more() {
  const { status, body } = await read(PAGE, next ?? "");
  wrong = status === 200 ? 0 : status || 503;
  if (status === 200) {
    lines.push(...body.lines);
    next = body.next;
  }
  office.draw();
}

/** Return all lines, for the file; null where they cannot be read, which is said. */
async function all() {
  const { t } = office.shell;
  const found = [];
  for (let cursor = /** @type {string | null} */ (""); cursor !== null; ) {
    const { status, body } = await read(FILE_PAGE, cursor);
    if (status !== 200) {
      showToast({ text: t("office.not_read", { status: status || "–" }), kind: "bad", seconds: 8 });
      return null;
    }
    found.push(...body.lines);
    cursor = body.next;
  }
  return found;
}

function view() {
  const { t } = office.shell;
  if (wrong) return errorState(t, t("office.not_read", { status: wrong }), () => void more());
  if (next === "") return loadingState(t, 8);
  return html`<div class="panel">${dataTable(table(), t, office.draw)}
    ${next === null ? html`<p class="hint">${t("office.log_end")}</p>` : html`<button class="button" id="log-more" @click=${more}>${t("office.show_more")}</button>`}</div>${nothing}`;
}

function table() {
  const { t, formats } = office.shell;
  /** @type {Column<Line>[]} */
  const columns = [
    {
      title: t("office.when"),
      value: ({ at }) => formats.stamp(Date.parse(at)),
      cell: ({ at }) => formats.moment(Date.parse(at)),
    },
    { title: t("office.who"), value: ({ who }) => who },
    { title: t("office.what"), value: whatOf },
    { title: t("office.subject"), value: ({ subject }) => subject || null },
    { title: t("office.origin"), value: ({ origin }) => origin || null },
  ];
  const key = (/** @type {Line} */ line) => `${lines.indexOf(line)}`;
  return {
    id: "audit",
    title: t("office.nav_log"),
    columns,
    rows: lines,
    key,
    all,
    file: `audit-${office.days.today}`,
    empty: t("office.no_lines"),
  };
}

/** Return what was done, in the page's language where it has a text for it. @param {Line} line */
function whatOf({ what }) {
  const { t, page } = office.shell;
  const name = what.toLowerCase().replaceAll(/[^a-z]+/g, "_");
  return `log.${name}` in page.texts ? t(`log.${name}`) : what;
}
