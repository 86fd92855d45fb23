/** The page of times: how long departments and items took, and how well the quoted times came true. */

import { emptyState } from "../ui/states.js";
import { html } from "../vendor/lit/lit-html.js";
import { startOffice } from "./office.js";
import { Reading, reportPath } from "./reading.js";
import { leftOut } from "./tiles.js";
import { accuracyPart, preparationPart } from "./times_parts.js";

/** @type {Reading<Record<"department" | "item" | "ready", string>> | undefined} */
let reading;

const office = startOffice(() => reading?.shown(view));
const preparation = (/** @type {string} */ by) => reportPath(office, "preparation-times", { by });
reading = new Reading(office, {
  department: preparation("department"),
  item: preparation("item"),
  ready: reportPath(office, "ready-times"),
});
if (office.days.to_ms > office.store.clock.now()) reading.follow();
else void reading.read();

/** @param {Record<"department" | "item" | "ready", any>} found */
function view({ department, item, ready }) {
  const { t } = office.shell;
  if (!department.figures.length && !ready.departments.length) return emptyState("clock", t("office.no_times"));
  return html`${leftOut(office, ready.left_out)}
    ${preparationPart(office, "by-department", t("office.times_by_department"), department.figures)}
    ${preparationPart(office, "by-item", t("office.times_by_item"), item.figures)}
    ${accuracyPart(office, ready.departments)}`;
}
