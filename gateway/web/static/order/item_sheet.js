/** The sheet of one item: how many, a note, whether there is an allergy. It adds a line, or changes one. */

import { html, nothing } from "../vendor/lit/lit-html.js";
import { lineOf, say } from "./basket.js";
import { addLines, keyOf, LONGEST_NOTE, MOST_OF_ONE, quantityOf, replaceLine } from "./lines.js";
import { availability } from "./menu_view.js";
import { stepper } from "./stepper.js";

/** @import { App } from "./app.js" */
/** @import { CatalogItem } from "./catalog.js" */
/** @import { BasketLine } from "./lines.js" */

/**
 * @param {CatalogItem} shown
 * @param {App} app
 * @param {BasketLine} [changed] the line to change; a new one is added where none is given
 */
export function showItem(shown, app, changed) {
  const wish = { quantity: changed?.quantity ?? 1, note: changed?.note ?? "", allergy: changed?.allergy ?? false };
  const change = (/** @type {Partial<typeof wish>} */ part) => {
    Object.assign(wish, part);
    app.sheets.draw();
  };
  const save = (/** @type {CatalogItem} */ item) => {
    const line = lineOf(item, { ...wish, note: wish.note.trim() });
    const { lines } = app.draft;
    app.draft.change({ lines: changed ? replaceLine(lines, keyOf(changed), line) : addLines(lines, [line]) });
    app.sheets.close("item");
    say(item, app);
  };
  app.sheets.show("item", shown.title, () => {
    const item = app.catalog.find(shown.department, shown.id) ?? shown;
    const others = quantityOf(app.draft.lines, item.department, item.id) - (changed?.quantity ?? 0);
    const most = item.onSale ? Math.min((item.available ?? MOST_OF_ONE) - others, MOST_OF_ONE) : 0;
    return content({ item, app, wish, most, change, save, isNew: !changed });
  });
}

/**
 * @param {object} options
 * @param {CatalogItem} options.item
 * @param {App} options.app
 * @param {{quantity: number, note: string, allergy: boolean}} options.wish
 * @param {number} options.most how many more can be had
 * @param {(part: {quantity?: number, note?: string, allergy?: boolean}) => void} options.change
 * @param {(item: CatalogItem) => void} options.save
 * @param {boolean} options.isNew
 */
function content({ item, app, wish, most, change, save, isNew }) {
  const { t, formats } = app.shell;
  const canSave = wish.quantity <= most;
  return html`<p class="item-facts"><strong>${formats.money(item.price)}</strong>
      ${item.prepSeconds ? html`<span>${t("order.takes", { count: Math.ceil(item.prepSeconds / 60) })}</span>` : nothing}
      ${availability(item, app)}</p>
    <form class="form" @submit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      if (canSave) save(item);
    }}>
    <label class="field"><span>${t("order.note")}</span>
      <textarea rows="2" maxlength=${LONGEST_NOTE} placeholder=${t("order.note_example")} .value=${wish.note}
        @input=${(/** @type {any} */ event) => change({ note: event.target.value })}></textarea></label>
    <label class="check ${wish.allergy ? "is-allergy" : ""}"><input type="checkbox" .checked=${wish.allergy}
        @change=${(/** @type {any} */ event) => change({ allergy: event.target.checked })}>
      <span><strong>${t("order.allergy")}</strong> <span class="hint">${t("order.allergy_hint")}</span></span></label>
    <div class="sheet-foot">
      ${stepper({
        t,
        title: item.title,
        quantity: wish.quantity,
        canAdd: wish.quantity < most,
        canRemove: wish.quantity > 1,
        add: () => change({ quantity: wish.quantity + 1 }),
        remove: () => change({ quantity: wish.quantity - 1 }),
      })}
      <button class="button primary large" ?disabled=${!canSave}><span>${isNew ? t("order.add") : t("order.save")}</span>
        <span class="button-amount">${formats.money(item.price * wish.quantity)}</span></button>
    </div>
    ${canSave ? nothing : html`<p class="hint" role="status">${most > 0 ? t("order.only_more", { count: most }) : t("order.no_more")}</p>`}
    </form>`;
}
