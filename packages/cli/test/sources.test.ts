import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const SOURCES = fileURLToPath(new URL("../src/", import.meta.url));
const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .map((name) => ({ name, text: readFileSync(SOURCES + name, "utf8") }));

/** What may be done in few places, so that it is done right in all. */
const RULES: readonly { readonly what: string; readonly pattern: RegExp; readonly where: readonly string[] }[] = [
  {
    what: "writes to the terminal",
    pattern: /\bconsole\s*\.|\bprocess\s*(?:\?\.|\.|\[")(?:stdout|stderr|_raw)|\b(?:stdout|stderr)\s*[.[]|writeSync/,
    where: ["terminal.ts"],
  },
  {
    what: "spells what terminals understand",
    pattern: /\\u001b|\\x1b|\\u\{1b\}|\\e\[|\\r(?!\\n)/i,
    where: ["terminal.ts", "terminal-text.ts"],
  },
];

it("the sources are those of the command", () => {
  expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(["bin.ts", "main.ts", "terminal.ts"]));
});

it.each(RULES)("nobody $what but $where", ({ pattern, where }) => {
  const found = files.filter(({ text }) => pattern.test(withoutComments(text))).map(({ name }) => name);
  expect(found.toSorted()).toEqual([...where].toSorted());
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
}
