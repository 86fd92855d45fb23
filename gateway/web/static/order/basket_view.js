/** The basket: beside the menu on wide screens, as a bar and a sheet on small ones. */

import { icon } from "../ui/icon.js";
import { repeat } from "../vendor/lit/directives/repeat.js";
import { html, nothing } from "../vendor/lit/lit-html.js";
import { showItem } from "./item_sheet.js";
import { addLines, countOf, keyOf, mended, replaceLine, totalOf, troublesOf } from "./lines.js";
import { sending } from "./sending_view.js";
import { stepper } from "./stepper.js";

/** @import { App } from "./app.js" */
/** @import { BasketLine, Trouble } from "./lines.js" */

/** @param {App} app */
export function showBasket(app) {
  app.sheets.show("basket", app.shell.t("order.basket"), () => basket(app));
}

/** @param {App} app */
export function basket(app) {
  const { t, formats } = app.shell;
  const { lines, attempt } = app.draft.read();
  const troubles = troublesOf(lines, app.catalog);
  const total = totalOf(lines.filter((each) => troubles.get(keyOf(each))?.available !== 0));
  return html`<div class="basket">
    ${app.failure ? html`<p class=${app.failure.isBad ? "alert" : "basket-said"} role="alert">${app.failure.text}</p>` : nothing}
    ${attempt ? sending(attempt, app) : nothing}
    ${lines.length ? nothing : attempt ? nothing : html`<div class="basket-empty">${icon("basket")}<p>${t("order.basket_empty")}</p></div>`}
    <ul class="basket-lines" ?hidden=${!lines.length}>${repeat(lines, keyOf, (each) => line(each, troubles.get(keyOf(each)), app))}</ul>
    ${lines.length ? options(app) : nothing}
    ${
      lines.length
        ? html`<div class="sheet-foot basket-foot">
            <p class="basket-total"><span>${t("order.total")}</span> <strong>${formats.money(total)}</strong></p>
            ${troubles.size ? html`<p class="hint basket-hint">${t("order.mend_first")}</p>` : nothing}
            <button type="button" class="button primary large place-button" aria-disabled=${String(Boolean(attempt))}
              @click=${() => place(app, troubles)}><span>${t("order.place")}</span>
              <span class="button-amount">${formats.money(total)}</span></button></div>`
        : nothing
    }</div>`;
}

/**
 * Place the order; where a line cannot be ordered as it stands, show that line.
 *
 * @param {App} app
 * @param {Map<string, Trouble>} troubles
 */
function place(app, troubles) {
  if (app.draft.attempt) return;
  if (troubles.size) {
    const shown = [...document.querySelectorAll(".basket-trouble button")].find((each) => each.checkVisibility());
    if (shown instanceof HTMLElement) shown.focus();
    return;
  }
  app.failure = null;
  app.placing.place(app.table ?? (app.shell.page.data.table ? null : app.draft.read().table.trim() || null));
}

/**
 * @param {BasketLine} one
 * @param {Trouble | undefined} trouble
 * @param {App} app
 */
function line(one, trouble, app) {
  const { t, formats } = app.shell;
  const item = app.catalog.find(one.department, one.item);
  const title = item?.title ?? one.item;
  const put = (/** @type {number} */ quantity) => {
    app.draft.change({ lines: replaceLine(app.draft.lines, keyOf(one), quantity ? { ...one, quantity } : undefined) });
    app.announce(t("order.now_in_basket", { title, number: quantity }));
  };
  return html`<li class="basket-line ${trouble?.available === 0 ? "is-troubled" : ""}" data-item=${one.item}>
    <div class="basket-line-text"><p class="basket-line-title">${title}</p>
      ${one.allergy ? html`<p class="allergy-tag">${icon("alert")}${t("order.allergy_short")}</p>` : nothing}
      ${one.note ? html`<p class="basket-note">${one.note}</p>` : nothing}
      ${item && !trouble ? html`<button type="button" class="link-button" aria-haspopup="dialog" @click=${() => showItem(item, app, one)}>${one.note || one.allergy ? t("order.edit") : t("order.add_note")}<span class="visually-hidden">: ${title}</span></button>` : nothing}
    </div>
    <p class="basket-line-price">${formats.money(one.price * one.quantity)}</p>
    ${stepper({
      t,
      title,
      quantity: one.quantity,
      canAdd: !trouble && one.quantity < (item?.available ?? 99),
      add: () => put(one.quantity + 1),
      remove: () => put(one.quantity - 1),
    })}
    ${trouble ? troubleOf(one, trouble, app) : nothing}</li>`;
}

/**
 * @param {BasketLine} one
 * @param {Trouble} trouble
 * @param {App} app
 */
function troubleOf(one, trouble, app) {
  const { t, formats } = app.shell;
  const better = mended(one, trouble);
  const mend = () => {
    app.draft.change({ lines: replaceLine(app.draft.lines, keyOf(one), better) });
    for (const place of document.querySelectorAll(".place-button"))
      if (place instanceof HTMLElement && place.checkVisibility()) place.focus();
  };
  const label = !better
    ? t("order.remove")
    : trouble.kind === "few"
      ? t("order.take", { number: better.quantity })
      : t("order.accept_price", { price: formats.money(trouble.price) });
  return html`<div class="basket-trouble"><p role="alert">${t(`trouble.${trouble.kind}`, {
    count: trouble.available,
    price: formats.money(trouble.price),
    before: formats.money(one.price),
  })}</p><button type="button" class="button" @click=${mend}>${label}</button></div>`;
}

/** @param {App} app */
function options(app) {
  const { t, page } = app.shell;
  const { table, isWhole } = app.draft.read();
  return html`<div class="basket-options">
    ${
      page.data.table || app.table
        ? nothing
        : html`<label class="field"><span>${t("order.table")}</span><input maxlength="40" autocomplete="off" .value=${table}
            @change=${(/** @type {any} */ event) => app.draft.change({ table: event.target.value })}></label>`
    }
    <label class="check"><input type="checkbox" .checked=${isWhole}
      @change=${(/** @type {any} */ event) => app.draft.change({ isWhole: event.target.checked })}>
      <span>${t("order.whole")}</span></label></div>`;
}

/**
 * Return the bar at the bottom of small screens.
 *
 * @param {App} app
 */
export function basketBar(app) {
  const { t, formats } = app.shell;
  const { lines, attempt } = app.draft.read();
  if (!lines.length && !attempt) return nothing;
  const count = countOf(lines);
  return html`<button type="button" class="button primary large basket-button" aria-haspopup="dialog" @click=${() => showBasket(app)}>
    <span class="basket-count" aria-hidden="true">${attempt ? icon("clock") : count}</span>
    <span>${attempt ? t("order.sending") : t("order.show_basket")}</span>
    <span class="visually-hidden">${t("order.items", { count })}</span>
    <span class="button-amount">${lines.length ? formats.money(totalOf(lines)) : nothing}</span></button>`;
}

/**
 * Put lines into the basket again, and show it.
 *
 * @param {BasketLine[]} more
 * @param {App} app
 */
export function fillBasket(more, app) {
  app.failure = null;
  app.draft.change({ lines: addLines(app.draft.lines, more) });
  app.sheets.close("order");
  showBasket(app);
}
