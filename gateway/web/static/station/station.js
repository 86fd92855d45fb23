/** What a station is at the moment, beside its tickets: its drawer, its size, its sound; and what its buttons do. */

import { toggleFullScreen } from "../device/full_screen.js";
import { Marks } from "../device/marks.js";
import { Sound } from "../device/sound.js";
import { WakeLock } from "../device/wake_lock.js";
import { keyOf } from "../live/tickets.js";
import { titleIn } from "../ui/texts.js";
import { showToast } from "../ui/toast.js";
import { Arrivals } from "./arrivals.js";
import { openMore } from "./more.js";
import { focusMain, focusTool, nextCard } from "./picking.js";
import { Steps } from "./steps.js";
import { Undo } from "./undo.js";

/** @import { DeviceStorage } from "../device/storage.js" */
/** @import { Ticket } from "../live/states.js" */
/** @import { Store } from "../live/store.js" */
/** @import { Moves } from "../moves/moves.js" */
/** @import { Shell } from "../shell.js" */

/** @typedef {"counts" | "recall" | "stock" | "screen"} DrawerName */

const NOTICE_MS = 30_000;

export class Station {
  /**
   * @param {object} parts
   * @param {Shell} parts.shell
   * @param {Store} parts.store
   * @param {Moves} parts.moves
   * @param {DeviceStorage} parts.storage
   */
  constructor({ shell, store, moves, storage }) {
    this.shell = shell;
    this.store = store;
    this.moves = moves;
    this.storage = storage;
    /** @type {string[]} */
    this.departments = shell.page.data.departments;
    this.rights = new Set(shell.page.rights);
    const name = this.departments.join(",");
    this.seen = new Marks(storage, `comanda.station.seen.${name}`);
    this.confirmed = new Marks(storage, `comanda.station.allergies.${name}`);
    this.arrivals = new Arrivals(this.seen);
    this.steps = new Steps({ moves, confirmed: this.confirmed, rights: shell.page.rights });
    this.undo = new Undo(this.steps, shell);
    this.sound = new Sound();
    this.wakeLock = new WakeLock();
    /** @type {Map<string, string>} */
    this.notices = new Map();
    /** @type {DrawerName | null} */
    this.drawer = storage.read("comanda.station.drawer", null);
    /** @type {string} */
    this.size = storage.read("comanda.station.size", "medium");
    this.isBare = false;
    this.sound.changed = this.wakeLock.changed = () => store.notify();
    this.sound.isMuted = storage.read("comanda.station.muted", false);
    /** @param {string} department @param {string} item */
    this.itemTitle = (department, item) => this.titles.get(`${department} ${item}`) ?? item;
    this.isStarted = false;
  }

  /** The titles of the items, by department and id; made anew where a menu has changed. */
  get titles() {
    const menus = this.departments.map((name) => this.store.menus.get(name));
    if (this.titlesOf?.menus.every((menu, index) => menu === menus[index])) return this.titlesOf.titles;
    /** @type {Map<string, string>} */
    const titles = new Map();
    for (const menu of menus) {
      for (const item of menu?.items ?? []) {
        titles.set(`${menu?.department} ${item.id}`, titleIn(item.titles, this.shell.page.language, item.id));
      }
    }
    this.titlesOf = { menus, titles };
    return titles;
  }

  /** @param {string} department */
  titleOf(department) {
    return titleIn(this.store.menus.get(department)?.titles ?? {}, this.shell.page.language, department);
  }

  get title() {
    return this.departments.map((name) => this.titleOf(name)).join(" · ");
  }

  /** Whether what is shown is all that there is: where it is not, nothing to do may mean nothing known. */
  get isCurrent() {
    const isAway = this.store.away().some(({ name }) => this.departments.includes(name));
    return !isAway && this.store.staleSince() === null;
  }

  /** Return all tickets of the station as they are shown, also what has not arrived yet. */
  tickets() {
    const tickets = this.departments.length === 1 ? this.store.ticketsOf(this.departments[0]) : this.ofSeveral();
    return this.moves.waiting ? tickets.map((ticket) => this.moves.shown(ticket)) : tickets;
  }

  ofSeveral() {
    return this.store.ticketsOf().filter((ticket) => this.departments.includes(ticket.department));
  }

  /** The one tap: sound, the screen stays on, the whole screen. */
  async start() {
    this.isStarted = true;
    this.isBare = true;
    this.storage.write("comanda.station.started", true);
    const unlocked = this.unlock();
    const full = document.fullscreenElement ? null : toggleFullScreen();
    await Promise.allSettled([unlocked, full]);
    this.sound.play("tap");
    if (this.wakeLock.state === "missing") showToast({ text: this.shell.t("station.wake_missing"), seconds: 8 });
    this.store.notify();
  }

  /** The first tap of all, whatever it is for, lets tones be audible, and the screen stays on. */
  async unlock() {
    await Promise.allSettled([this.sound.unlock(), this.wakeLock.start()]);
  }

  toggleSound() {
    this.sound.mute(!this.sound.isMuted);
    this.storage.write("comanda.station.muted", this.sound.isMuted);
    if (!this.sound.isMuted) void this.sound.unlock().then(() => this.sound.play("tap"));
  }

  async toggleFullScreen() {
    await toggleFullScreen();
    this.store.notify();
  }

  toggleHeader() {
    this.isBare = !this.isBare;
    this.store.notify();
  }

  /** @param {string} size */
  setSize(size) {
    this.size = size;
    this.storage.write("comanda.station.size", size);
    this.store.notify();
  }

  /** Open a drawer, or close the one that is open. @param {DrawerName | null} name */
  openDrawer(name) {
    const before = this.drawer;
    this.drawer = name;
    this.storage.write("comanda.station.drawer", name === "counts" ? name : null);
    this.store.notify();
    if (!name && before) focusTool(before);
  }

  /**
   * Take the next step; where an allergy is not confirmed yet, lead to it.
   *
   * @param {Ticket} ticket
   * @param {Event} event
   */
  next(ticket, event) {
    const card = event.currentTarget instanceof Element ? event.currentTarget.closest("li") : null;
    if (this.steps.next(ticket)) {
      this.arrivals.fresh.delete(keyOf(ticket));
      if (ticket.state === "ready" && card?.contains(document.activeElement)) nextCard(card)?.focus();
    } else if (card && this.steps.unconfirmed(ticket).length) focusMain(card);
  }

  /** Bring back a ticket that was served. @param {Ticket} ticket */
  recall(ticket) {
    this.steps.back(ticket);
  }

  /** Let a cancelled ticket go, which somebody has seen. @param {Ticket} ticket */
  acknowledge(ticket) {
    this.seen.delete(keyOf(ticket));
    this.store.notify();
  }

  /** @param {string} key */
  openMore(key) {
    const ticket = this.store.tickets.get(key);
    if (ticket) openMore(this.moves.shown(ticket), this);
  }

  /**
   * Say something on a ticket's card, for a while.
   *
   * @param {string} key
   * @param {string} text
   */
  notice(key, text) {
    this.notices.set(key, text);
    setTimeout(() => this.forgetNotice(key), NOTICE_MS);
    this.store.notify();
  }

  /** @param {string} key */
  forgetNotice(key) {
    this.notices.delete(key);
    this.store.notify();
  }
}
