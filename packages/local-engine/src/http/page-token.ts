import type { Fields } from "./fields.js";

/** Where the next page of a list begins, as clients hand it back: how many come before it, or the key of the last of those. */
export function pageToken(place: number): string {
  return Buffer.from(String(place)).toString("base64");
}

/** @returns 0 for the first page */
export function readPageToken(fields: Fields, token: string | null): number {
  if (token === null || token === "") return 0;
  const text = Buffer.from(token, "base64").toString("latin1");
  if (/^\d{1,15}$/.test(text)) return Number(text);
  fields.add("next_page_token", "The next page token field format is invalid.");
  return 0;
}
