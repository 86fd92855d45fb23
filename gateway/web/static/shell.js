/** What every page does: its texts and formats, and the header's menu of language and theme. */

import { isSecure, registerWorker } from "./device/install.js";
import { readPage } from "./page.js";
import { createFormats } from "./ui/format.js";
import { createTexts } from "./ui/texts.js";

/** @import { PageData } from "./page.js" */
/** @import { Formats } from "./ui/format.js" */
/** @import { Translate } from "./ui/texts.js" */

/**
 * @typedef {object} Shell
 * @property {PageData} page
 * @property {Translate} t
 * @property {Formats} formats
 */

/** @type {Shell | undefined} */
let started;

/**
 * Begin a page, once: whoever asks again gets the same.
 *
 * @returns {Shell}
 */
export function startShell() {
  if (started) return started;
  const page = readPage();
  started = { page, t: createTexts(page.language, page.texts), formats: createFormats(page) };
  forgetChoice();
  startMenu();
  if (!isSecure()) sayWhatIsMissing(started.t("ui.insecure"));
  void registerWorker();
  return started;
}

/** Say in the menu what does not work on plain http. @param {string} text */
function sayWhatIsMissing(text) {
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = text;
  document.querySelector("#preferences .menu-panel")?.append(hint);
}

/** Take `?lang=` and `?theme=` out of the address: the cookie has them now. */
function forgetChoice() {
  const at = new URL(location.href);
  if (!at.searchParams.has("lang") && !at.searchParams.has("theme")) return;
  at.searchParams.delete("lang");
  at.searchParams.delete("theme");
  history.replaceState(history.state, "", at);
}

/** Close the menu by a tap elsewhere and by Escape; change the theme without loading the page again. */
function startMenu() {
  const menu = document.getElementById("preferences");
  if (!(menu instanceof HTMLDetailsElement)) return;
  document.addEventListener("click", (event) => {
    if (event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
  menu.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const theme = link && new URL(link.href).searchParams.get("theme");
    if (!link || !theme) return;
    event.preventDefault();
    setTheme(theme, link);
  });
}

/**
 * @param {string} theme
 * @param {HTMLAnchorElement} chosen
 */
function setTheme(theme, chosen) {
  document.documentElement.dataset.theme = theme;
  document.querySelector("meta[name=color-scheme]")?.setAttribute("content", theme === "auto" ? "light dark" : theme);
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing on plain http, where tablets are
  document.cookie = `comanda_theme=${theme}; path=/; max-age=31536000; samesite=lax`;
  for (const each of chosen.parentElement?.children ?? []) each.removeAttribute("aria-current");
  chosen.setAttribute("aria-current", "true");
}

startShell();
