import { avroDouble } from "@durable-workflow/carrier/payload";
import { type Notation, toNotation } from "./notation.js";

/** One value of each kind, and those that languages tell apart otherwise. */
export const VALUES: readonly (readonly [name: string, notation: Notation])[] = (
  [
    ["null", null],
    ["true", true],
    ["7", 7n],
    ["7.0", avroDouble(7)],
    ["-0.0", avroDouble(-0)],
    ["the greatest integer", 2n ** 63n - 1n],
    ["a text", "Grüße, мир, 😀\u0000"],
    ["bytes", Uint8Array.of(0, 127, 128, 255)],
    ["a list in lists", [[], [[null]], [1n, "1", avroDouble(1)]]],
    ["a map", { "0": "a", "": [], ключ: { deep: {} } }],
  ] as const
).map(([name, value]) => [name, toNotation(value)]);

/** The values that JavaScript has one kind for, twice: what is echoed by a handler in it is of one kind. */
export const ONE_KIND_IN_JAVASCRIPT: ReadonlySet<string> = new Set(["7.0", "a list in lists"]);
