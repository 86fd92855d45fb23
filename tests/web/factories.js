/** States as the gateway sends them, of which a test names what it is about. */

/** @import { Ticket } from "../../gateway/web/static/live/states.js" */

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
    lines: [
      { item: "coffee", quantity: 2, note: "", allergy: false, made: false, outcome: "accepted", unit_price: 350 },
      { item: "soda", quantity: 1, note: "", allergy: false, made: false, outcome: "accepted", unit_price: 300 },
    ],
    ...given,
  };
}
