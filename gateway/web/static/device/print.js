/** Prints one part of a page, such as a ticket. */

/** @param {Element} part */
export function printOnly(part) {
  const root = document.documentElement;
  const end = () => {
    root.classList.remove("prints-part");
    part.classList.remove("is-printed");
  };
  root.classList.add("prints-part");
  part.classList.add("is-printed");
  addEventListener("afterprint", end, { once: true });
  print();
}
