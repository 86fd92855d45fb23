/**
 * Puts the cards into columns of their own heights: the next card is always in the next column, so the oldest are at the
 * top and a card never changes its column because another one has grown.
 *
 * The places are absolute: a browser then lays out a card that has changed, and no other.
 */

/** The least width of a card in rem, as in station.css. */
const CARD_REM = 18.5;

/** The list's height in CSS pixels grows in steps: a new height makes the browser lay out all cards. */
const STEP = 240;

const rem = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

/**
 * Lay the cards of a list out.
 *
 * @param {HTMLElement | null} list
 */
export function layOut(list) {
  if (!list) return;
  const { paddingLeft, paddingBottom, columnGap } = getComputedStyle(list);
  const [pad, gap] = [Number.parseFloat(paddingLeft), Number.parseFloat(columnGap)];
  const inner = list.clientWidth - 2 * pad;
  const columns = Math.max(1, Math.trunc((inner + gap) / (CARD_REM * rem() + gap)));
  const width = (inner + gap) / columns - gap;
  list.classList.add("is-laid-out");
  const cards = /** @type {HTMLElement[]} */ ([...list.children]);
  for (const card of cards) set(card, "inlineSize", `${width}px`);
  const heights = cards.map((card) => card.offsetHeight);
  const tops = new Array(columns).fill(pad);
  cards.forEach((card, index) => {
    const column = index % columns;
    set(card, "insetInlineStart", `${pad + column * (width + gap)}px`);
    set(card, "insetBlockStart", `${tops[column]}px`);
    tops[column] += heights[index] + gap;
  });
  const height = Math.max(...tops) + Number.parseFloat(paddingBottom);
  set(list, "blockSize", `${STEP * Math.ceil(height / STEP)}px`);
}

/** @type {WeakMap<HTMLElement, Record<string, string>>} */
const kept = new WeakMap();

/**
 * Set a style where it is another one than before.
 *
 * @param {HTMLElement} element
 * @param {"inlineSize" | "insetInlineStart" | "insetBlockStart" | "blockSize"} name
 * @param {string} value
 */
function set(element, name, value) {
  const values = kept.get(element) ?? {};
  if (values[name] === value) return;
  kept.set(element, { ...values, [name]: value });
  element.style[name] = value;
}
