/**
 * What the parts of the order page share. This module is types only.
 *
 * @typedef {object} App
 * @property {Shell} shell
 * @property {Store} store
 * @property {Catalog} catalog as it is now
 * @property {Draft} draft
 * @property {Placing} placing
 * @property {OwnOrders} orders
 * @property {Sheets} sheets
 * @property {string | null} table that one of the staff orders for; null for guests
 * @property {string} query what the guest searches for
 * @property {{text: string, isBad: boolean} | null} failure why the last order was not placed
 * @property {() => void} draw
 * @property {(text: string) => void} announce
 */

/** @import { Store } from "../live/store.js" */
/** @import { Shell } from "../shell.js" */
/** @import { Catalog } from "./catalog.js" */
/** @import { Draft } from "./draft.js" */
/** @import { OwnOrders } from "./own_orders.js" */
/** @import { Placing } from "./placing.js" */
/** @import { Sheets } from "./sheets.js" */

export {};
