/** What tables of people, keys and sessions have in common. */

import { html } from "../vendor/lit/lit-html.js";

/** @import { Column } from "../ui/table.js" */
/** @import { Office } from "./office.js" */

/** @typedef {{made_at?: string, since?: string, used_at: string | null}} Entry */

/**
 * Return the columns that say since when there is an entry, and when it was used last.
 *
 * @template {Entry} Row
 * @param {Office} office
 * @returns {Column<Row>[]}
 */
export function whenColumns({ shell }) {
  const { t, formats } = shell;
  const column = (/** @type {string} */ title, /** @type {(row: Row) => string | null | undefined} */ at) => ({
    title,
    value: (/** @type {Row} */ row) => stampOf(formats.stamp, at(row)),
    cell: (/** @type {Row} */ row) => stampOf(formats.moment, at(row)) ?? "–",
  });
  return [column(t("office.since"), (row) => row.made_at ?? row.since), column(t("office.used"), (row) => row.used_at)];
}

/**
 * @param {(ms: number) => string} show
 * @param {string | null | undefined} at
 */
const stampOf = (show, at) => (at ? show(Date.parse(at)) : null);

/**
 * A button of a row; whoever hears it learns what it is about.
 *
 * @param {string} text
 * @param {string} subject
 * @param {() => void} act
 */
export const rowButton = (text, subject, act) =>
  html`<button class="button small" aria-label=${`${text}: ${subject}`} @click=${act}>${text}</button>`;
