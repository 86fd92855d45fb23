/** Sends one request to the API, and says whether it may be sent again. */

const TIMEOUT_MS = 8000;

/**
 * @typedef {object} Reply
 * @property {number} status 0 where there was no response
 * @property {any} body JSON, or null
 * @property {boolean} isFinal whether sending the same again would change nothing
 * @property {number} retryMs after how long to try again, where it is not final
 */

/** Statuses after which the same request may succeed later: nothing was decided. */
const NOT_FINAL = new Set([0, 401, 408, 429, 502, 503, 504]);

/**
 * Send JSON; never throws.
 *
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 * @returns {Promise<Reply>}
 */
export async function send(method, path, body) {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(path, {
      method,
      headers: { "content-type": "application/json", accept: "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: aborter.signal,
    });
    const json = (response.headers.get("content-type") ?? "").includes("json") ? await response.json() : null;
    const retryMs = Number(response.headers.get("retry-after") ?? 1) * 1000;
    return { status: response.status, body: json, isFinal: !NOT_FINAL.has(response.status), retryMs };
  } catch {
    // No response, or half of one: whether the request arrived is not known, so it is sent again.
    return { status: 0, body: null, isFinal: false, retryMs: 1000 };
  } finally {
    clearTimeout(timer);
  }
}
