/**
 * Puts the cards into columns of their own heights: the next card is always in the next column, so the oldest are at the
 * top and a card never changes its column because another one has grown.
 *
 * The places are absolute: a browser then lays out a card that has changed, and no other. What a card's height is the
 * browser tells when it has laid the card out, within the same frame; nothing here asks for a layout. A card that is far
 * from being seen is not laid out at all (`content-visibility` in the style sheets), and has its last height, or a usual
 * one.
 */

/** The least width of a card in rem, as in station.css. */
const CARD_REM = 18.5;

/** The height in CSS pixels that a card is taken to have until the browser has told its own, in the same frame. */
const USUAL = 280;

/** The list's height in CSS pixels grows in steps: a new height makes the browser lay out all cards. */
const STEP = 240;

/** @typedef {{index: number, width: number, left: number, top: number, height: number}} Box of a card, in CSS pixels */

/** @type {WeakMap<Element, Columns>} */
const known = new WeakMap();

/**
 * Lay the cards of a list out, after it has been drawn.
 *
 * @param {HTMLElement | null} list
 */
export function layOut(list) {
  if (!list) return;
  const columns = known.get(list) ?? new Columns(list);
  known.set(list, columns);
  columns.place();
  columns.grow();
}

/**
 * Return how many of the last cards of a list begin below an edge.
 *
 * @param {Element | null} list
 * @param {number} edge CSS pixels from the top of the list
 */
export function countBelow(list, edge) {
  return (list && known.get(list)?.countBelow(edge)) ?? 0;
}

class Columns {
  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
    /** @type {WeakMap<Element, Box>} */
    this.boxes = new WeakMap();
    this.count = 0;
    /** Where the longest column ends. */
    this.end = 0;
    this.blockSize = 0;
    list.classList.add("is-laid-out");
    this.sizes = sizesOf(list);
    this.observer = new ResizeObserver((entries) => this.measured(entries));
    this.observer.observe(list);
  }

  /** Put every card where it belongs, by the heights that are known. */
  place() {
    const { columns, pad, gap, width } = this.sizes;
    const tops = new Array(columns).fill(pad);
    let count = 0;
    for (const card of /** @type {Iterable<HTMLElement>} */ (this.list.children)) {
      const box = this.boxOf(card);
      box.index = count++;
      const column = box.index % columns;
      set(card, box, "width", "inlineSize", width);
      set(card, box, "left", "insetInlineStart", pad + column * (width + gap));
      set(card, box, "top", "insetBlockStart", tops[column]);
      tops[column] += box.height + gap;
    }
    this.count = count;
    this.end = Math.max(...tops);
  }

  /** Make the list as high as its cards need. */
  grow() {
    const blockSize = STEP * Math.ceil((this.end + this.sizes.end) / STEP);
    if (blockSize !== this.blockSize) this.list.style.blockSize = `${blockSize}px`;
    this.blockSize = blockSize;
  }

  /** @param {HTMLElement} card */
  boxOf(card) {
    const box = this.boxes.get(card) ?? { index: 0, width: NaN, left: NaN, top: NaN, height: USUAL };
    if (Number.isNaN(box.top)) {
      this.boxes.set(card, box);
      this.observer.observe(card);
    }
    return box;
  }

  /**
   * Take in the sizes that have changed, before they are painted.
   *
   * @param {ResizeObserverEntry[]} entries
   */
  measured(entries) {
    let isMoved = false;
    for (const { target, borderBoxSize } of entries) {
      const box = this.boxes.get(target);
      if (!target.isConnected) this.observer.unobserve(target);
      else if (!box) isMoved = this.resized() || isMoved;
      else if (box.height !== borderBoxSize[0].blockSize) {
        box.height = borderBoxSize[0].blockSize;
        isMoved ||= box.index + this.sizes.columns < this.count;
        this.end = Math.max(this.end, box.top + box.height + this.sizes.gap);
      }
    }
    if (!this.list.isConnected) return;
    if (isMoved) this.place();
    // While a browser tells the cards' sizes, that of the list must not change.
    if (this.end + this.sizes.end > this.blockSize) requestAnimationFrame(() => this.grow());
  }

  /** Measure the list again; returns whether the cards' places are others now. */
  resized() {
    const { columns, width } = this.sizes;
    this.sizes = sizesOf(this.list);
    return columns !== this.sizes.columns || width !== this.sizes.width;
  }

  /** @param {number} edge */
  countBelow(edge) {
    const cards = this.list.children;
    let below = 0;
    while (below < cards.length && (this.boxes.get(cards[cards.length - 1 - below])?.top ?? 0) > edge) below++;
    return below;
  }
}

/**
 * Return how many columns a list has room for, and their measures in CSS pixels.
 *
 * @param {HTMLElement} list
 */
function sizesOf(list) {
  const { paddingLeft, paddingBottom, columnGap } = getComputedStyle(list);
  const [pad, end, gap] = [paddingLeft, paddingBottom, columnGap].map(Number.parseFloat);
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const inner = list.clientWidth - 2 * pad;
  const columns = Math.max(1, Math.trunc((inner + gap) / (CARD_REM * rem + gap)));
  return { columns, pad, end, gap, width: (inner + gap) / columns - gap };
}

/**
 * Set a style where it is another one than before.
 *
 * @param {HTMLElement} card
 * @param {Box} box
 * @param {"width" | "left" | "top"} side
 * @param {"inlineSize" | "insetInlineStart" | "insetBlockStart"} name
 * @param {number} value
 */
function set(card, box, side, name, value) {
  if (box[side] === value) return;
  box[side] = value;
  card.style[name] = `${value}px`;
}
