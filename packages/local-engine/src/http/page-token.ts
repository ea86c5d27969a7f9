import type { Place } from "../store/listing.js";
import type { Fields } from "./fields.js";

const KEY = "after ";

/** Where the next page of a list begins, as clients hand it back: how many come before it. */
export function pageToken(offset: number): string {
  return Buffer.from(String(offset)).toString("base64");
}

/** The same, by the key of the last of those that come before it. */
export function pageCursor(key: number): string {
  return Buffer.from(`${KEY}${key}`).toString("base64");
}

/** Reads a token or a cursor. */
export function readPlace(fields: Fields, token: string | null): Place {
  const text = textOf(token);
  const key = text?.startsWith(KEY) === true ? text.slice(KEY.length) : "";
  return /^\d{1,15}$/.test(key) ? { key: Number(key) } : { offset: readOffset(fields, text) };
}

/** @returns 0 for the first page */
export function readPageToken(fields: Fields, token: string | null): number {
  return readOffset(fields, textOf(token));
}

/** What a token says; undefined where none was sent. */
function textOf(token: string | null): string | undefined {
  return token === null || token === "" ? undefined : Buffer.from(token, "base64").toString("latin1");
}

function readOffset(fields: Fields, text: string | undefined): number {
  if (text === undefined) return 0;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  fields.add("next_page_token", "The next page token field format is invalid.");
  return 0;
}
