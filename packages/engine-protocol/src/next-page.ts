import { fieldOf } from "./fields.js";

/**
 * Which field of a page of activities says where the next page begins: what it says goes as `next_page_token` of the next request, and
 * nothing there ends the list. A cursor, which the local engine adds, counts before the token: what starts meanwhile moves no page then.
 */
export function nextPageField(page: unknown): "next_page_cursor" | "next_page_token" {
  return typeof fieldOf(page, "next_page_cursor") === "string" ? "next_page_cursor" : "next_page_token";
}
