/**
 * Places an order once. Its id is made with the basket, and kept with the order on the device until a response says what
 * became of it; until then the same request is sent again, through dead networks, restarts and reloads.
 *
 * Nobody wants a meal that was ordered in vain twenty minutes ago: what has not arrived by then is looked up, not sent.
 * A guest who does not want to wait takes the order back: it is cancelled, and gone once the gateway says so.
 */

/** @import { Reply } from "../moves/send.js" */
/** @import { Order } from "../live/states.js" */
/** @import { Attempt, Draft } from "./draft.js" */

export const TOO_OLD_MS = 10 * 60_000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 15_000;
const ASK_AGAIN_MS = 2000;

/**
 * @typedef {"" | "offline" | "busy" | "too_often" | "not_allowed"} Why it is not there yet
 * @typedef {"refused" | "not_allowed" | "not_sent" | "withdrawn"} Failure after which the lines are in the basket again
 *
 * @typedef {object} Environment
 * @property {Draft} draft
 * @property {(method: string, path: string, body?: unknown) => Promise<Reply>} send
 * @property {() => number} now the server's clock
 * @property {() => number} deviceNow the device's clock
 * @property {(run: () => void, ms: number) => unknown} after
 * @property {(timer: any) => void} cancel
 */

export class Placing {
  /** @param {Environment} environment */
  constructor(environment) {
    this.environment = environment;
    this.draft = environment.draft;
    this.isRunning = false;
    this.delay = FIRST_DELAY_MS;
    /** @type {unknown} */
    this.timer = undefined;
    /** @type {Why} */
    this.why = "";
    /** @type {() => void} */
    this.changed = () => {};
    /** @type {(order: Order, goal: Attempt["goal"]) => void} */
    this.placed = () => {};
    /** @type {(failure: Failure, detail: string) => void} */
    this.failed = () => {};
  }

  /**
   * Place what is in the basket; does nothing where an order is on its way already.
   *
   * @param {string | null} table that the guest named
   */
  place(table) {
    if (!this.draft.read().id) this.draft.change({}); // it was kept by another version
    const { id: orderId, lines, isWhole, attempt } = this.draft.read();
    if (attempt || !lines.length) return;
    this.draft.begin({
      order_id: orderId,
      body: bodyOf(orderId, lines, table, isWhole),
      lines,
      at: this.environment.now(),
      deviceAt: this.environment.deviceNow(),
      goal: "place",
      isSending: false,
      isUncertain: false,
      isAbsent: false,
    });
    this.again();
  }

  /** Go on with the order of an earlier page, if any. */
  resume() {
    const { attempt } = this.draft;
    if (!attempt) return;
    if (attempt.isSending) this.draft.note(attempt.order_id, { isSending: false, isUncertain: true });
    this.again();
  }

  /** Take an order back that has not arrived. */
  withdraw() {
    const { attempt } = this.draft;
    if (!attempt) return;
    this.draft.note(attempt.order_id, { goal: "withdraw" });
    this.again();
  }

  /** Try now. */
  again() {
    this.environment.cancel(this.timer);
    this.delay = FIRST_DELAY_MS;
    void this.run();
  }

  async run() {
    const { attempt } = this.draft;
    if (!attempt || this.isRunning) return;
    this.isRunning = true;
    const goal = this.goalOf(attempt);
    this.draft.note(attempt.order_id, { goal, isSending: true });
    this.changed();
    const reply = await this.request({ ...attempt, goal });
    this.isRunning = false;
    const isUncertain = attempt.isUncertain || (goal === "place" && isUnknown(reply));
    if (this.draft.note(attempt.order_id, { isSending: false, isUncertain }))
      this.take({ ...attempt, isUncertain, goal }, reply);
    this.changed();
  }

  /** @param {Attempt} attempt */
  goalOf({ goal, at, deviceAt }) {
    const { now, deviceNow } = this.environment;
    const age = Math.max(now() - at, deviceNow() - deviceAt); // the server's stands still while there is no network
    return goal === "place" && age > TOO_OLD_MS ? "find" : goal;
  }

  /** @param {Attempt} attempt */
  request({ goal, order_id, body }) {
    const { send } = this.environment;
    if (goal === "place") return send("POST", "/orders", body);
    return send(goal === "withdraw" ? "DELETE" : "GET", `/orders/${order_id}`);
  }

  /**
   * @param {Attempt} attempt as it was when the request was sent
   * @param {Reply} reply
   */
  take(attempt, reply) {
    const { order_id } = attempt;
    const order = orderIn(reply);
    if (this.draft.attempt?.goal === "withdraw" && attempt.goal !== "withdraw")
      this.again(); // taken back meanwhile
    else if (order) this.finish(attempt, order);
    else if (isUnknown(reply)) this.later(reply.status ? "busy" : "offline", reply.retryMs);
    else if (reply.status === 429) this.later("too_often", reply.retryMs);
    else if (reply.status === 409 && attempt.goal !== "find") this.look(order_id);
    else if (reply.status === 404 && attempt.goal !== "place") this.missing(attempt);
    else if (reply.status === 401 || reply.status === 403) {
      if (attempt.isUncertain) this.later("not_allowed", LONGEST_DELAY_MS);
      else this.giveUp(order_id, "not_allowed", reply);
    } else this.giveUp(order_id, "refused", reply);
  }

  /**
   * @param {Attempt} attempt
   * @param {Order} order
   */
  finish(attempt, order) {
    this.why = "";
    this.placed(order, attempt.goal); // kept there before it leaves here
    if (attempt.goal === "withdraw") this.giveUp(attempt.order_id, "withdrawn");
    else this.draft.finish(attempt.order_id);
  }

  /** The gateway has decided otherwise: see what became of the order. @param {string} orderId */
  look(orderId) {
    this.draft.note(orderId, { goal: "find" });
    this.again();
  }

  /** The gateway does not know the order. A request may be on its way, so it is asked twice. @param {Attempt} attempt */
  missing(attempt) {
    if (attempt.isAbsent) return this.giveUp(attempt.order_id, attempt.goal === "withdraw" ? "withdrawn" : "not_sent");
    this.draft.note(attempt.order_id, { isAbsent: true });
    this.timer = this.environment.after(() => this.run(), ASK_AGAIN_MS);
  }

  /**
   * @param {Why} why
   * @param {number} least
   */
  later(why, least) {
    this.why = why;
    this.timer = this.environment.after(() => this.run(), Math.max(this.delay, least));
    this.delay = Math.min(2 * this.delay, LONGEST_DELAY_MS);
  }

  /**
   * @param {string} orderId
   * @param {Failure} failure
   * @param {Reply} [reply]
   */
  giveUp(orderId, failure, reply) {
    this.why = "";
    this.draft.restore(orderId);
    this.failed(failure, reply?.body?.detail ?? "");
  }
}

/** Return whether a request may have arrived, and nobody knows what became of it. @param {Reply} reply */
const isUnknown = ({ status }) => status === 0 || status === 408 || status >= 500;

/**
 * Return the order that a reply has.
 *
 * @param {Reply} reply
 * @returns {Order | undefined}
 */
export function orderIn({ body }) {
  if (body?.order) return body.order;
  return body?.order_id && Array.isArray(body.lines) ? body : undefined;
}

/**
 * @param {string} orderId
 * @param {import("./lines.js").BasketLine[]} lines
 * @param {string | null} table
 * @param {boolean} isWhole
 */
function bodyOf(orderId, lines, table, isWhole) {
  return {
    order_id: orderId,
    ...(table ? { table } : {}),
    policy: isWhole ? "all_or_nothing" : "best_effort",
    lines: lines.map(({ price, ...line }) => ({ ...line, expected_price: price })),
  };
}
