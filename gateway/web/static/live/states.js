/**
 * The states that events carry, as the REST API has them (docs/events.md). This module is types only.
 *
 * @typedef {"held" | "queued" | "preparing" | "ready" | "served" | "cancelled"} TicketState
 *
 * @typedef {object} TicketLine
 * @property {string} item
 * @property {number} quantity
 * @property {string} note
 * @property {boolean} allergy
 * @property {boolean} made the staff have ticked it off
 * @property {string} outcome
 * @property {number | null} unit_price
 * @property {string | null} [cancel_reason] why the staff cancelled this line alone; gateways before it had none
 *
 * @typedef {object} Ticket
 * @property {string} department
 * @property {string} order_id
 * @property {number | null} number
 * @property {string | null} table
 * @property {string} source
 * @property {TicketState} state
 * @property {string | null} placed_at
 * @property {string | null} started_at
 * @property {string | null} ready_at
 * @property {string | null} served_at
 * @property {string | null} cancelled_at
 * @property {string | null} moved_by
 * @property {string | null} moved_at
 * @property {string | null} cancel_reason
 * @property {boolean} wasted
 * @property {number} revision
 * @property {TicketLine[]} lines
 *
 * @typedef {object} Stock
 * @property {string} department
 * @property {string} item
 * @property {number} received
 * @property {number} on_hand
 * @property {number} held
 * @property {number} sold
 * @property {number} wasted
 * @property {boolean} on_sale
 * @property {boolean} unlimited
 * @property {number} revision
 *
 * @typedef {object} Availability what guests see of an item's stock
 * @property {string} department
 * @property {string} item
 * @property {number | null} available null for any number
 * @property {boolean} on_sale
 *
 * @typedef {object} CalledNumber what a board for guests shows of a ticket
 * @property {string} department
 * @property {number | null} number
 * @property {TicketState} state
 * @property {string | null} placed_at
 * @property {string | null} ready_at
 *
 * @typedef {object} MenuItem
 * @property {string} id
 * @property {Record<string, string>} titles
 * @property {number} price
 * @property {string | null} category
 * @property {number | null} prep_seconds
 *
 * @typedef {object} Menu
 * @property {string} department
 * @property {Record<string, string>} titles
 * @property {MenuItem[]} items
 * @property {number | null} late_seconds
 * @property {number | null} very_late_seconds
 *
 * @typedef {object} DepartmentState
 * @property {string} name
 * @property {"open" | "unreachable"} state
 * @property {string} since
 *
 * @typedef {object} OrderLine
 * @property {string} department
 * @property {string} item
 * @property {number} quantity
 * @property {string} note
 * @property {boolean} allergy
 * @property {string} outcome
 * @property {number | null} unit_price
 * @property {number | null} available
 * @property {string | null} reason
 * @property {string | null} progress
 *
 * @typedef {object} Order
 * @property {string} order_id
 * @property {number} number
 * @property {string} status
 * @property {string | null} progress
 * @property {string} policy
 * @property {string | null} table
 * @property {number} total
 * @property {string} currency
 * @property {number} currency_exponent
 * @property {string} created_at
 * @property {string | null} ready_at
 * @property {OrderLine[]} lines
 * @property {{department: string, started_at: string | null, ready_at: string | null, served_at: string | null,
 *   withdrawn_at: string | null}[]} tickets
 *
 * @typedef {object} Tick
 * @property {number} now_ms
 * @property {Record<string, number>} departments
 */

export const KINDS = /** @type {const} */ ([
  "ticket",
  "stock",
  "item",
  "number",
  "menu",
  "order",
  "department",
  "tick",
  "reset",
]);

/** @typedef {(typeof KINDS)[number]} Kind */
