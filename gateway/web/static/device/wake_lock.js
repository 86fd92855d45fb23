/** Keeps the screen on, where the browser can: only in a secure context, localhost or TLS. */

export class WakeLock {
  constructor() {
    /** @type {"off" | "on" | "missing"} */
    this.state = "wakeLock" in navigator ? "off" : "missing";
    /** @type {() => void} */
    this.changed = () => {};
    this.isWanted = false;
  }

  /** Keep the screen on from now on, also after the page was hidden. */
  async start() {
    if (this.state === "missing") return;
    if (!this.isWanted) {
      this.isWanted = true;
      document.addEventListener("visibilitychange", () => {
        if (!document.hidden) void this.request();
      });
    }
    await this.request();
  }

  async request() {
    try {
      const lock = await navigator.wakeLock.request("screen");
      this.set("on");
      lock.addEventListener("release", () => this.set("off"));
    } catch {
      this.set("off"); // the battery is low, or the page is hidden; it is asked for again when the page is seen
    }
  }

  /** @param {"off" | "on"} state */
  set(state) {
    this.state = state;
    this.changed();
  }
}
