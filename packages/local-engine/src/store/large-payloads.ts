import { ScratchMemory } from "../scratch-memory.js";

/**
 * The columns of payloads that are kept as the bytes that their text stands for: a quarter less to write twice, and SQLite's
 * drivers make text out of a string, and a string out of text, at several times the cost of bytes.
 */
export const PAYLOAD_BYTES_SQL = `
  ALTER TABLE inputs ADD COLUMN bytes BLOB;
  ALTER TABLE outcomes ADD COLUMN bytes BLOB;
`;

/** A payload whose text is longer is kept as bytes. */
export const LONGEST_TEXT = 65_536;

/** The length of the base64 text of a column of bytes, in SQL. */
export function textLengthSql(column: string): string {
  return `(length(${column}) + 2) / 3 * 4`;
}

/** What the last bits of a text can be that do not stand for a whole byte: they have to be zero. */
const LAST_OF_ONE = "AQgw";
const LAST_OF_TWO = "AEIMQUYcgkosw048";

const scratch = new ScratchMemory();

/**
 * The bytes that a long payload is kept as; undefined for one that is short, and for text that is not the base64 of any bytes:
 * that is kept as it is. Valid until the next call.
 */
export function bytesOfText(text: string): Buffer | undefined {
  const size = sizeOfBase64(text.length, text.slice(-4));
  if (size === undefined) return undefined;
  const bytes = scratch.take(size);
  // Decoding leaps over what is no base64, and takes the alphabet of URLs as well.
  if (bytes.write(text, "base64") !== size || text.includes("-") || text.includes("_")) return undefined;
  // Of a character beyond Latin-1 decoding would take the low byte.
  return Buffer.byteLength(text) === text.length ? bytes : undefined;
}

/**
 * How many bytes a long text of base64 stands for; undefined for one that is short, and for one that cannot be the base64 of any
 * bytes, as far as its length and its end tell.
 *
 * @param end its last four characters
 */
export function sizeOfBase64(length: number, end: string): number | undefined {
  if (length <= LONGEST_TEXT || length % 4 !== 0) return undefined;
  const padding = end.endsWith("==") ? 2 : end.endsWith("=") ? 1 : 0;
  const last = end[3 - padding] ?? "";
  const isWhole = padding === 0 || (padding === 1 ? LAST_OF_TWO : LAST_OF_ONE).includes(last);
  return isWhole ? (length / 4) * 3 - padding : undefined;
}
