import { expect, it } from "vitest";
import { nextPageField } from "./next-page.js";

it.each([
  [{ next_page_token: "MjA=", next_page_cursor: "YWZ0ZXIgNw==" }, "next_page_cursor"],
  [{ next_page_token: "MjA=" }, "next_page_token"],
  [{ next_page_token: null, next_page_cursor: null }, "next_page_token"],
  [{ next_page_token: "MjA=", next_page_cursor: 7 }, "next_page_token"],
  [null, "next_page_token"],
])("the next page of %j is said by %s", (page, field) => {
  expect(nextPageField(page)).toBe(field);
});
