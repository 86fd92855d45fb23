/**
 * Puts the cards into columns of their own heights: the next card is always in the next column, so the oldest are at the
 * top and a card never changes its column because another one has grown.
 */

/** The height of a row of the grid, in CSS pixels; a card takes as many as it needs. */
const ROW = 8;

/** The least width of a card in rem, as in station.css. */
const CARD_REM = 18.5;

const rem = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

/**
 * Lay the cards of a grid out.
 *
 * @param {HTMLElement | null} grid
 */
export function layOut(grid) {
  if (!grid) return;
  const { paddingLeft, columnGap } = getComputedStyle(grid);
  const gap = Number.parseFloat(columnGap);
  const width = grid.clientWidth - 2 * Number.parseFloat(paddingLeft) + gap;
  const columns = Math.max(1, Math.floor(width / (CARD_REM * rem() + gap)));
  grid.classList.toggle("is-laid-out", columns > 1);
  const cards = /** @type {HTMLElement[]} */ ([...grid.children]);
  const heights = cards.map((card) => card.offsetHeight);
  const tops = new Array(columns).fill(1);
  cards.forEach((card, index) => {
    const column = index % columns;
    const rows = Math.ceil((heights[index] + gap) / ROW);
    place(card, columns > 1 ? `${tops[column]} / ${column + 1} / span ${rows}` : "");
    tops[column] += rows;
  });
}

/** @type {WeakMap<HTMLElement, string>} */
const placed = new WeakMap();

/**
 * @param {HTMLElement} card
 * @param {string} area
 */
function place(card, area) {
  if (placed.get(card) === area) return;
  placed.set(card, area);
  card.style.gridArea = area;
}
