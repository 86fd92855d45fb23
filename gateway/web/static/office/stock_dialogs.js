/** Restocking, counting and wasting an item, each in a dialog that knows the stock while it is open. */

import { openDialog } from "../ui/dialog.js";
import { showToast } from "../ui/toast.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { problemOf } from "./change.js";

/** @import { Stock } from "../live/states.js" */
/** @import { Result } from "../moves/moves.js" */
/** @import { Office } from "./office.js" */

/** @typedef {"delivery" | "count" | "waste"} Reason */

const MOST = 1_000_000_000;

/** The entries whose results a dialog shows. @type {Set<string>} */
const asked = new Set();

/** Whether a dialog waits for the result of an entry. @param {string} id */
export const isAsked = (id) => asked.has(id);

/**
 * Open the dialog of a change.
 *
 * @param {Office} office
 * @param {Stock} stock as it was when the dialog was asked for
 * @param {Reason} reason
 */
export function openChange(office, stock, reason) {
  const { t } = office.shell;
  const title = `${t(reason === "delivery" ? "office.restock" : reason === "count" ? "office.count" : "office.waste")}: ${office.itemTitle(stock.department, stock.item)}`;
  /** What the count is compared with; after a conflict, what is so by now. */
  let believed = stock.on_hand;
  let entry = "";
  let note = "";
  const draw = () => dialog.update(content());
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const value = Number(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get("number"));
    entry = office.moves.changeStock(stock.department, stock.item, changeOf(reason, value, believed));
    asked.add(entry);
    draw();
  };
  const onResult = (/** @type {Result} */ result) => {
    if (result.entry.id !== entry) return;
    const now = result.reply?.body?.stock;
    if (result.kind === "overtaken" && now) {
      note =
        reason === "count"
          ? t("office.conflict", { before: believed, now: now.on_hand })
          : t("office.too_many", { count: now.on_hand });
      believed = now.on_hand;
    } else if (result.kind === "refused") note = result.reply ? problemOf(office.shell, result.reply) : "";
    else {
      showToast({ text: t(result.kind === "kept" ? "office.kept" : "office.noted", { title }) });
      dialog.close();
    }
    entry = "";
    draw();
  };
  const content = () => form(office, { reason, believed, note, isBusy: entry !== "", submit });
  const dialog = openDialog(title, content(), t);
  const end = office.moves.onResult(onResult);
  void dialog.closed.then(end);
}

/**
 * @param {Reason} reason
 * @param {number} value
 * @param {number} believed
 */
function changeOf(reason, value, believed) {
  if (reason === "count") return { reason, count: value, expected: believed };
  return { reason, delta: reason === "waste" ? -value : value };
}

/**
 * @param {Office} office
 * @param {{reason: Reason, believed: number, note: string, isBusy: boolean, submit: (event: SubmitEvent) => void}} state
 */
function form({ shell }, { reason, believed, note, isBusy, submit }) {
  const { t, formats } = shell;
  const label =
    reason === "delivery"
      ? t("office.how_many_came")
      : reason === "count"
        ? t("office.how_many_counted")
        : t("office.how_many_wasted");
  return html`<form class="form" @submit=${submit}>
    <p class="on-hand">${t("office.on_hand")} <strong>${formats.number(believed)}</strong></p>
    ${note ? html`<p class="alert" role="alert">${note}</p>` : nothing}
    <label class="field"><span>${label}</span><input class="number-input" name="number" type="number" inputmode="numeric" required
      min=${reason === "count" ? 0 : 1} max=${MOST} step="1" autofocus /></label>
    ${reason === "count" ? html`<p class="hint">${t("office.count_hint")}</p>` : nothing}
    <button class="button primary large" ?disabled=${isBusy}>${t("office.note_it")}</button></form>`;
}
