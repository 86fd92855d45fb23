/** Says on a card that somebody else was faster: who, and when. */

import { keyOf } from "../live/tickets.js";
import { cancelledBefore } from "../moves/cancelled_before.js";

/** @import { Station } from "./station.js" */

/** @param {Station} station */
export function tellOvertaken(station) {
  const { t, formats, page } = station.shell;
  station.moves.onResult(({ kind, entry, reply }) => {
    const ticket = reply?.body?.ticket;
    if (kind !== "overtaken" || !ticket) return;
    const gone = cancelledBefore(entry, ticket, station.moves, page.language);
    if (gone) return station.notice(keyOf(ticket), t("station.line_gone", gone));
    const at = Date.parse(ticket.moved_at ?? ticket.cancelled_at ?? ticket.placed_at);
    const name = ticket.moved_by ?? t("moves.somebody");
    station.notice(
      keyOf(ticket),
      t("station.overtaken", { name, time: formats.time(at), state: t(`state.${ticket.state}`) }),
    );
  });
}
