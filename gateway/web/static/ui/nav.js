/** The rows of links to other pages, which are longer than a phone is wide. */

/** Let the link of the page that is shown be seen, also when the window has got another width. */
export function showCurrentLink() {
  show();
  addEventListener("resize", show);
}

/** Scroll the rows alone: the page stays where it is. */
function show() {
  for (const row of document.querySelectorAll(".header-nav, .office-nav")) {
    const link = row.querySelector("[aria-current]")?.getBoundingClientRect();
    const { left, width } = row.getBoundingClientRect();
    if (link) row.scrollLeft += link.left + link.width / 2 - (left + width / 2);
  }
}
