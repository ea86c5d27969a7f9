import { expect, it } from "vitest";
import { closest } from "./suggest.js";

const KNOWN = ["serve", "dev", "start", "dispatch", "terminate"];

it.each([
  ["sevre", "serve"],
  ["stat", "start"],
  ["term", "terminate"],
  ["dipsatch", "dispatch"],
  ["de", "dev"],
  ["xyzzy", undefined],
  ["", undefined],
])("%j probably means %s", (word, meant) => {
  expect(closest(word, KNOWN)).toBe(meant);
});
