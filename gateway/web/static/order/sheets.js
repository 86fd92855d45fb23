/** The sheets: dialogs whose content is drawn again with each change, one of a kind at a time. */

import { openDialog } from "../ui/dialog.js";

/** @import { Dialog } from "../ui/dialog.js" */
/** @import { Translate } from "../ui/texts.js" */

export class Sheets {
  /** @param {Translate} t */
  constructor(t) {
    this.t = t;
    /** @type {Map<string, {dialog: Dialog, view: () => unknown}>} */
    this.open = new Map();
  }

  /**
   * Show a sheet; one of the same kind that is open gives way.
   *
   * @param {string} kind
   * @param {string} title
   * @param {() => unknown} view
   */
  show(kind, title, view) {
    this.close(kind);
    const dialog = openDialog(title, view(), this.t);
    const sheet = { dialog, view };
    this.open.set(kind, sheet);
    void dialog.closed.then(() => {
      if (this.open.get(kind) === sheet) this.open.delete(kind);
    });
  }

  /** @param {string} kind */
  close(kind) {
    this.open.get(kind)?.dialog.close();
    this.open.delete(kind);
  }

  /** @param {string} kind */
  isOpen(kind) {
    return this.open.has(kind);
  }

  draw() {
    for (const { dialog, view } of this.open.values()) dialog.update(view());
  }
}
