/** The page of people, devices and programs, sessions, and the codes of tables. */

import { html } from "../vendor/lit/lit-html.js";
import { keysPart } from "./keys_part.js";
import { startOffice } from "./office.js";
import { peoplePart } from "./people_part.js";
import { Reading } from "./reading.js";
import { sessionsPart } from "./sessions_part.js";
import { tablesPart } from "./tables_part.js";

/** @type {Reading<Record<"people" | "keys" | "sessions", string>> | undefined} */
let reading;

const office = startOffice(() => reading?.shown(view));
reading = new Reading(office, { people: "/access/people", keys: "/access/keys", sessions: "/access/sessions" });
void reading.read();

/** Show what a change returned; it may have ended sessions. @param {any} lists */
function take(lists) {
  if (!reading?.found || !lists) return;
  Object.assign(
    reading.found,
    Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, { [name]: list }])),
  );
  office.draw();
  reading.readNow(); // a key that is revoked ends sessions, too
}

/** @param {Record<"people" | "keys" | "sessions", any>} found */
function view({ people, keys, sessions }) {
  return html`<div class="panel">${peoplePart(office, people.people, take)}</div>
    <div class="panel">${keysPart(office, keys.keys, take)}</div>
    <div class="panel">${tablesPart(office)}</div>
    <div class="panel">${sessionsPart(office, sessions.sessions, take)}</div>`;
}
