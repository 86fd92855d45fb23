/** The banners of the call-outs: what is ready and where, what was cancelled, until somebody has read it. */

import { isCancel } from "./callouts.js";

/** @import { Banner } from "../ui/banner.js" */
/** @import { Call } from "./callouts.js" */
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
  const cancelled = groups.filter(([first]) => isCancel(first));
  const ready = groups.filter(([first]) => !isCancel(first));
  const most = waiter.place.isOrdering ? MOST_WHILE_ORDERING : MOST;
  const rest = ready.slice(most).flat();
  const alone = [...cancelled, ...ready.slice(0, most)];
  const banners = alone.map((group) => banner(group, textOf(group, waiter), waiter));
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

/** @param {Call} call */
const reasonOf = ({ ticket, place }) => (place === null ? ticket : ticket.lines[place]).cancel_reason ?? "";

/**
 * Put together what is said of one order: of its tickets in one state, or of the lines of one of them.
 *
 * @param {Call[]} calls
 */
function groupsOf(calls) {
  /** @type {Map<string, Call[]>} */
  const groups = new Map();
  for (const call of calls) {
    const { order_id, department, state } = call.ticket;
    const key = `${order_id} ${call.place === null ? state : `line ${department}`} ${reasonOf(call)}`;
    groups.set(key, [...(groups.get(key) ?? []), call]);
  }
  return [...groups.values()];
}

/**
 * @param {Call[]} group
 * @param {string} text
 * @param {Waiter} waiter
 * @returns {Banner}
 */
function banner(group, text, waiter) {
  const isBad = isCancel(group[0]);
  const act = () => {
    waiter.callouts.acknowledge(group);
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
 * @param {Call[]} group of one order: tickets that are all ready, or all cancelled, or lines of one ticket
 * @param {Waiter} waiter
 */
function textOf(group, waiter) {
  const [call] = group;
  const { ticket, place } = call;
  const { t } = waiter.shell;
  const departments = new Set(group.map((each) => each.ticket.department));
  const values = {
    department: [...departments].map((department) => waiter.titles.department(department)).join(", "),
    name: waiter.nameOf({ table: ticket.table, number: null }),
    number: ticket.number ?? "",
    reason: reasonOf(call),
  };
  if (place !== null) {
    const lines = group.map((each) => each.ticket.lines[Number(each.place)]);
    return t("waiter.call_line", {
      ...values,
      dishes: lines.map((line) => waiter.titles.dish(ticket.department, line)).join(", "),
    });
  }
  return ticket.state === "ready" ? t("waiter.call_ready", values) : t("waiter.call_cancelled", values);
}
