/** States as the gateway sends them, of which a test names what it is about. */

/** @import { Ticket, TicketLine } from "../../gateway/web/static/live/states.js" */

/**
 * @param {Partial<TicketLine>} given
 * @returns {TicketLine}
 */
export const lineOf = (given = {}) => ({
  item: "coffee",
  quantity: 1,
  note: "",
  allergy: false,
  made: false,
  outcome: "accepted",
  unit_price: 350,
  cancel_reason: null,
  ...given,
});

/**
 * Return a line that the staff cancelled alone.
 *
 * @param {Partial<TicketLine>} given
 */
export const cancelledLine = (given = {}) => lineOf({ outcome: "cancelled", cancel_reason: "none left", ...given });

/**
 * @param {Partial<Ticket>} given
 * @returns {Ticket}
 */
export function ticketOf(given = {}) {
  return {
    department: "bar",
    order_id: "8e03978e-40d5-43dd-bc93-6894a57f9324",
    number: 217,
    table: "7",
    source: "gateway",
    state: "queued",
    placed_at: "2026-05-01T12:00:00.000Z",
    started_at: null,
    ready_at: null,
    served_at: null,
    cancelled_at: null,
    moved_by: null,
    moved_at: null,
    cancel_reason: null,
    wasted: false,
    revision: 1,
    lines: [lineOf({ quantity: 2 }), lineOf({ item: "soda", unit_price: 300 })],
    ...given,
  };
}
