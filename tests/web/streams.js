/** Recorded streams of `/events`, which `tests/web/streams/` has as the gateway sent them. */

import { readFileSync } from "node:fs";

/** @import { Kind } from "../../gateway/web/static/live/states.js" */

/**
 * Read a recorded stream.
 *
 * @param {string} name of the file
 * @returns {{kind: Kind, data: any, id: string}[]}
 */
export function readStream(name) {
  const text = readFileSync(new URL(`./streams/${name}`, import.meta.url), "utf8");
  return text
    .split("\n\n")
    .map((frame) => Object.fromEntries(frame.split("\n").map((line) => line.split(/: (.*)/s, 2))))
    .filter((fields) => fields.event)
    .map(({ event, data, id = "" }) => ({ kind: event, data: JSON.parse(data), id }));
}
