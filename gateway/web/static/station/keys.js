/** A numpad, or a keyboard, as a bump bar: 1 to 9 pick a card, Enter takes its next step, R goes back. */

/**
 * @typedef {object} Actions
 * @property {(index: number) => void} pick counted from 0
 * @property {() => void} recall
 * @property {() => void} none
 * @property {() => void} first
 */

/**
 * Return which digit a key is, also on a numpad whose digits are off; undefined for others.
 *
 * @param {{key: string, code: string}} event
 */
export function digitOf({ key, code }) {
  const found = /^(?:Digit|Numpad)(\d)$/.exec(code) ?? /^(\d)$/.exec(key);
  return found ? Number(found[1]) : undefined;
}

/**
 * Return what a key means; `R` by its place, too, as on a Korean keyboard.
 *
 * @param {{key: string, code: string}} event
 * @returns {"recall" | "none" | "enter" | number | undefined}
 */
export function meaningOf(event) {
  if (event.code === "KeyR" || event.key.toLowerCase() === "r" || event.code === "NumpadSubtract") return "recall";
  if (event.key === "Escape") return "none";
  if (event.key === "Enter") return "enter";
  const digit = digitOf(event);
  return digit === 0 ? "none" : digit;
}

/** @param {Actions} actions */
export function startKeys(actions) {
  const { dataset } = document.documentElement;
  document.addEventListener("pointerdown", () => (dataset.input = "touch"));
  document.addEventListener("keydown", () => (dataset.input = "keys"), { capture: true });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isElsewhere(event.target)) return;
    const meaning = meaningOf(event);
    if (event.repeat && (meaning === "enter" || event.key === " ")) event.preventDefault();
    if (event.repeat || meaning === undefined) return;
    if (meaning === "enter") {
      if (document.activeElement === document.body || document.activeElement?.id === "content") actions.first();
      return;
    }
    if (typeof meaning === "number") actions.pick(meaning - 1);
    else actions[meaning]();
    event.preventDefault();
  });
}

/** Whether a key is for something else: a field, a dialog, an open menu. @param {EventTarget | null} target */
function isElsewhere(target) {
  if (!(target instanceof Element)) return false;
  return target.closest("input, textarea, select, dialog, details[open]") !== null;
}
