/** Says what became of moves: toasts for what others did first and what was refused, a banner for what waits. */

import { titleIn } from "../ui/texts.js";
import { showToast } from "../ui/toast.js";
import { cancelledBefore } from "./cancelled_before.js";

/** @import { Shell } from "../shell.js" */
/** @import { Banner } from "../ui/banner.js" */
/** @import { Moves, Result } from "./moves.js" */

/**
 * Show a toast for each result that somebody has to know.
 *
 * @param {Moves} moves
 * @param {Shell} shell
 * @param {(result: Result) => boolean} isShown whether something else shows a result already
 */
export function tellResults(moves, shell, isShown = () => false) {
  /** The entries that wait, and were told of once. @type {Set<string>} */
  const told = new Set();
  moves.onResult((result) => {
    if (result.kind === "kept" && told.has(result.entry.id)) return;
    if (result.kind === "kept") told.add(result.entry.id);
    else told.delete(result.entry.id);
    if (isShown(result)) return;
    const text = textOf(result, moves, shell);
    if (text) showToast({ text, kind: result.kind === "kept" ? "" : "bad", seconds: 8 });
  });
}

/**
 * Return the banner for what waits to be sent.
 *
 * @param {Moves} moves
 * @param {Shell} shell
 * @returns {Banner[]}
 */
export function waitingBanner(moves, { t }) {
  const count = moves.waiting;
  return count ? [{ icon: "clock", text: t("moves.waiting", { count }) }] : [];
}

/**
 * @param {Result} result
 * @param {Moves} moves
 * @param {Shell} shell
 * @returns {string | undefined}
 */
function textOf({ kind, entry, reply }, moves, { t, formats, page }) {
  const ticket = reply?.body?.ticket;
  const gone = ticket && cancelledBefore(entry, ticket, moves, page.language);
  if (gone) return t("moves.line_gone", { number: ticket.number ?? "", ...gone });
  if (kind === "overtaken" && ticket) {
    return t("moves.overtaken", {
      number: ticket.number ?? "",
      name: ticket.moved_by ?? t("moves.somebody"),
      time: formats.time(Date.parse(ticket.moved_at ?? ticket.cancelled_at ?? ticket.placed_at)),
      state: t(`state.${ticket.state}`),
    });
  }
  if (reply?.status === 401 || reply?.status === 403) return t("moves.not_allowed");
  if (kind === "kept" && reply?.status === 503) {
    const titles = moves.store.menus.get(entry.department)?.titles ?? {};
    return t("moves.away", { department: titleIn(titles, page.language, entry.department) });
  }
  if (kind === "overtaken" || kind === "refused") return t("moves.refused", { reason: reply?.body?.detail ?? "" });
  return undefined;
}
