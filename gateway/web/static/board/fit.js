/** Makes the numbers of a half as large as they can be while all of them are on the screen. */

/** Heights of a number, in hundredths of the screen, by the half. */
const SIZES = { ready: [15, 12, 10, 8.5, 7, 6, 5, 4.2, 3.5, 3, 2.5], making: [6.5, 5.5, 4.6, 3.8, 3.2, 2.7, 2.2] };

/** What a half had, and how much room, when it was measured; all digits are of one width. @type {WeakMap<Element, string>} */
const measured = new WeakMap();

/** Which of its sizes a half has. @type {WeakMap<Element, number>} */
const chosen = new WeakMap();

/** @param {HTMLElement} half */
export function fit(half) {
  const list = half.querySelector("ul");
  if (!list) return;
  const key = `${half.clientWidth} ${half.clientHeight} ${list.textContent?.replace(/\d/g, "0")}`;
  if (measured.get(half) === key) return;
  measured.set(half, key);
  const sizes = half.classList.contains("is-ready") ? SIZES.ready : SIZES.making;
  const fits = (/** @type {number} */ at) => {
    half.style.setProperty("--size", String(sizes[at]));
    return list.scrollHeight <= list.clientHeight && list.scrollWidth <= list.clientWidth;
  };
  let at = chosen.get(half) ?? 0;
  while (at < sizes.length - 1 && !fits(at)) at++;
  while (at > 0 && fits(at - 1)) at--;
  half.style.setProperty("--size", String(sizes[at]));
  chosen.set(half, at);
}
