/** Labels of charts: SVG ends no text by itself. */

/** The widths of a label's letters in CSS pixels, of Latin ones and of those from Hangul on. */
const NARROW = 7.5;
const WIDE = 14.5;
const FIRST_WIDE = "\u1100";

/**
 * Return as much of a label as has room; the table beside the chart has all of it.
 *
 * @param {string} label
 * @param {number} room CSS pixels
 */
export function shortened(label, room) {
  const letters = [...label];
  let width = 0;
  const ends = letters.map((letter) => {
    width += letter < FIRST_WIDE ? NARROW : WIDE;
    return width;
  });
  if (width <= room) return label;
  return `${letters
    .slice(0, ends.filter((end) => end + WIDE <= room).length)
    .join("")
    .trimEnd()}…`;
}
