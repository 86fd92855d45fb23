/** The basket's lines, and what the menu says of them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../../gateway/web/static/live/clock.js";
import { Store } from "../../gateway/web/static/live/store.js";
import { readCatalog } from "../../gateway/web/static/order/catalog.js";
import {
  addLines,
  keyOf,
  MOST_OF_ONE,
  mended,
  replaceLine,
  takeOne,
  troublesOf,
} from "../../gateway/web/static/order/lines.js";

/** @param {Partial<import("../../gateway/web/static/order/lines.js").BasketLine>} [part] */
const line = (part = {}) => ({
  department: "bar",
  item: "soda",
  quantity: 1,
  note: "",
  allergy: false,
  price: 300,
  ...part,
});

const MENU = {
  departments: [
    {
      name: "bar",
      titles: { en: "Bar", ko: "바" },
      state: "open",
      items: [
        {
          id: "soda",
          titles: { en: "Soda", es: "Refresco de limón" },
          price: 300,
          available: 3,
          on_sale: true,
          category: "cold",
          prep_seconds: 20,
        },
        {
          id: "tea",
          titles: { en: "Tea" },
          price: 250,
          available: null,
          on_sale: true,
          category: "hot",
          prep_seconds: null,
        },
        {
          id: "water",
          titles: { en: "Water" },
          price: 200,
          available: 9,
          on_sale: true,
          category: "cold",
          prep_seconds: null,
        },
      ],
    },
    { name: "kitchen", titles: {}, state: "unreachable", items: [] },
  ],
};

const newStore = () => new Store({ clock: new Clock(0, () => 0), schedule: (run) => run() });

test("lines that ask for the same are one, and a note makes another", () => {
  const lines = addLines([line()], [line({ quantity: 2 }), line({ note: "no ice" }), line({ allergy: true })]);
  assert.deepEqual(
    lines.map(({ quantity, note, allergy }) => [quantity, note, allergy]),
    [
      [3, "", false],
      [1, "no ice", false],
      [1, "", true],
    ],
  );
  assert.equal(addLines(lines, [line({ quantity: 500 })])[0].quantity, MOST_OF_ONE);
});

test("one less is taken from the line without a note first, and the last one leaves", () => {
  let lines = [line({ note: "no ice" }), line()];
  lines = takeOne(lines, "bar", "soda");
  assert.deepEqual(
    lines.map(({ note }) => note),
    ["no ice"],
  );
  assert.deepEqual(takeOne(lines, "bar", "soda"), []);
  assert.deepEqual(takeOne([], "bar", "soda"), []);
});

test("a line that becomes like another is joined with it", () => {
  const lines = [line({ note: "no ice" }), line()];
  assert.deepEqual(replaceLine(lines, keyOf(lines[0]), line()), [line({ quantity: 2 })]);
});

test("what is left goes to the first lines", () => {
  const catalog = readCatalog(MENU, newStore(), "en");
  const lines = [line({ quantity: 2 }), line({ quantity: 2, note: "no ice" }), line({ allergy: true })];
  const troubles = troublesOf(lines, catalog);
  assert.deepEqual(
    lines.map((each) => troubles.get(keyOf(each))?.kind),
    [undefined, "few", "sold_out"],
  );
  assert.deepEqual(mended(lines[1], /** @type {any} */ (troubles.get(keyOf(lines[1])))), { ...lines[1], quantity: 1 });
  assert.equal(mended(lines[2], /** @type {any} */ (troubles.get(keyOf(lines[2])))), undefined);
});

test("events say at once what is off sale, gone, or has another price", () => {
  const store = newStore();
  const lines = [line(), line({ item: "tea", price: 250 }), line({ item: "water", price: 200 })];
  store.take("item", { department: "bar", item: "soda", available: 3, on_sale: false });
  store.take("menu", {
    department: "bar",
    titles: { en: "Bar" },
    items: [
      { id: "soda", titles: { en: "Soda" }, price: 300, category: "cold", prep_seconds: 20 },
      { id: "tea", titles: { en: "Tea" }, price: 280, category: "hot", prep_seconds: null },
    ],
  });
  const troubles = troublesOf(lines, readCatalog(MENU, store, "en"));
  assert.deepEqual(
    lines.map((each) => troubles.get(keyOf(each))?.kind),
    ["off_sale", "price", "gone"],
  );
});

test("nothing is said of a department whose menu is not known", () => {
  const lines = [line({ department: "kitchen", item: "pizza" })];
  assert.equal(troublesOf(lines, readCatalog(MENU, newStore(), "en")).size, 0);
});

test("the search ignores capitals and accents, and looks at all languages", () => {
  const catalog = readCatalog(MENU, newStore(), "en");
  const found = (/** @type {string} */ text) =>
    catalog
      .search(text)
      .departments.flatMap(({ categories }) => categories.flatMap(({ items }) => items.map(({ id }) => id)));
  assert.deepEqual(found("LIMON"), ["soda"]);
  assert.deepEqual(found("hot"), ["tea"]);
  assert.deepEqual(found("soup"), []);
  assert.deepEqual(found(" "), ["soda", "water", "tea"]);
});
