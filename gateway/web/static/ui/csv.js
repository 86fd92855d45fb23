/** Tables as files for spreadsheets: CSV (RFC 4180), UTF-8 with a byte order mark, of which no cell is a formula. */

/** @typedef {string | number | null | undefined} Cell */

const MARK = "\ufeff";
const FORMULA = /^[=+\-@\t\r\n]/;

/**
 * Return rows as a file's text. Without the mark, a spreadsheet in Korean reads the file in another encoding.
 *
 * @param {Cell[][]} rows
 */
export const csvOf = (rows) => `${MARK}${rows.map((row) => row.map(cellOf).join(",")).join("\r\n")}\r\n`;

/** @param {Cell} value */
function cellOf(value) {
  const text = String(value ?? "");
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * Let the browser keep a file.
 *
 * @param {string} name
 * @param {string} text
 */
export function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
