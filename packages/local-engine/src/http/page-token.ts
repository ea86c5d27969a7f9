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
  const text = Buffer.from(token ?? "", "base64").toString("latin1");
  const key = text.startsWith(KEY) ? text.slice(KEY.length) : "";
  return /^\d{1,15}$/.test(key) ? { key: Number(key) } : { offset: readPageToken(fields, token) };
}

/** @returns 0 for the first page */
export function readPageToken(fields: Fields, token: string | null): number {
  if (token === null || token === "") return 0;
  const text = Buffer.from(token, "base64").toString("latin1");
  if (/^\d{1,9}$/.test(text)) return Number(text);
  fields.add("next_page_token", "The next page token field format is invalid.");
  return 0;
}
