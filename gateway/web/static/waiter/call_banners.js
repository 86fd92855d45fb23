/** The banners of the call-outs: what is ready and where, until somebody has read it. */

/** @import { Ticket } from "../live/states.js" */
/** @import { Banner } from "../ui/banner.js" */
/** @import { Waiter } from "./waiter.js" */

/** How many orders that are ready have a banner of their own; those that were cancelled are always read one by one. */
const MOST = 2;
const MOST_WHILE_ORDERING = 1;

/**
 * @param {Waiter} waiter
 * @returns {Banner[]}
 */
export function calls(waiter) {
  const { callouts, sound, shell } = waiter;
  const { t } = shell;
  const groups = groupsOf(callouts.list);
  const cancelled = groups.filter(isCancelled);
  const ready = groups.filter((tickets) => !isCancelled(tickets));
  const most = waiter.place.isOrdering ? MOST_WHILE_ORDERING : MOST;
  const rest = ready.slice(most).flat();
  const alone = [...cancelled, ...ready.slice(0, most)];
  const banners = alone.map((tickets) => banner(tickets, textOf(tickets, waiter), waiter));
  if (rest.length) banners.push(banner(rest, t("waiter.call_more", { count: rest.length }), waiter));
  if (sound.isBlocked && !groups.length)
    banners.push({
      icon: "sound-off",
      role: "status",
      text: t("waiter.sound_blocked"),
      label: t("waiter.sound_on"),
      act: () => waiter.toggleSound(),
    });
  return banners;
}

/** @param {Ticket[]} tickets of one order, in one state */
const isCancelled = ([{ state }]) => state === "cancelled";

/**
 * Put together what is said of one order.
 *
 * @param {Ticket[]} tickets
 */
function groupsOf(tickets) {
  /** @type {Map<string, Ticket[]>} */
  const groups = new Map();
  for (const ticket of tickets) {
    const key = `${ticket.order_id} ${ticket.state} ${ticket.cancel_reason ?? ""}`;
    groups.set(key, [...(groups.get(key) ?? []), ticket]);
  }
  return [...groups.values()];
}

/**
 * @param {Ticket[]} tickets
 * @param {string} text
 * @param {Waiter} waiter
 * @returns {Banner}
 */
function banner(tickets, text, waiter) {
  const isBad = isCancelled(tickets);
  const act = () => {
    waiter.callouts.acknowledge(tickets);
    waiter.store.notify();
  };
  return {
    icon: isBad ? "ban" : "bell",
    kind: isBad ? "bad" : "good",
    text,
    label: waiter.shell.t("waiter.read"),
    act,
  };
}

/**
 * @param {Ticket[]} tickets of one order, all ready or all cancelled
 * @param {Waiter} waiter
 */
function textOf(tickets, waiter) {
  const [ticket] = tickets;
  const { t } = waiter.shell;
  const values = {
    department: tickets.map(({ department }) => waiter.titles.department(department)).join(", "),
    name: waiter.nameOf({ table: ticket.table, number: null }),
    number: ticket.number ?? "",
    reason: ticket.cancel_reason ?? "",
  };
  return ticket.state === "ready" ? t("waiter.call_ready", values) : t("waiter.call_cancelled", values);
}
