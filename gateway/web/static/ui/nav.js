/** The rows of links to other pages, which are longer than a phone is wide. */

/** Let the link of the page that is shown be seen. */
export function showCurrentLink() {
  for (const link of document.querySelectorAll(":is(.header-nav, .office-nav) [aria-current]"))
    link.scrollIntoView({ inline: "center", block: "nearest" });
}
