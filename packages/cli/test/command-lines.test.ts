import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { everyCommand } from "../src/commands/index.js";
import { root } from "./support/cli.js";

/** Whatever a page tells to type: the command is there, and so is each of its options. */
const commands = await everyCommand();
const known = new Map(commands.map(({ name, options }) => [name, new Set([...Object.keys(options), "json", "help"])]));

const ROOTS = ["docs", "deploy", "examples", "packages", ".github"];
const pages = [
  ...readdirSync(root).filter((file) => file.endsWith(".md")),
  ...ROOTS.flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: "utf8" })
      .map((file) => `${top}/${file.replaceAll("\\", "/")}`)
      .filter((file) => /\.(?:md|ya?ml|Dockerfile)$/.test(file) && !/\/(?:node_modules|dist)\//.test(file)),
  ),
];

interface CommandLine {
  readonly page: string;
  readonly line: string;
  readonly command: string;
  readonly options: readonly string[];
  /** What stands behind the command's name, and is no option. */
  readonly argument: string | undefined;
}

/** Lines of code blocks and spans of code that begin a command, with a backslash at the end of a line read on. */
function commandLines(page: string): readonly CommandLine[] {
  const text = readFileSync(join(root, page), "utf8").replaceAll(/\\\n\s*/g, "");
  return text
    .split("\n")
    .flatMap((line) => line.split("`"))
    .flatMap((part) => {
      const [, command, rest = ""] = /\bdw-carrier ([a-z][a-z-]*)\b(.*)$/.exec(part) ?? [];
      if (command === undefined) return [];
      // What comes after a pipe or a remark is not this command's.
      const own = rest.split(/ [|#] | && /)[0] ?? "";
      const options = [...own.matchAll(/(?<=^|[\s[(])--([a-z][a-z-]*)/g)].map(([, option = ""]) => option);
      const argument = /^ ([^-\s[(,.;:][^\s]*)/.exec(own)?.[1];
      return [{ page, line: part.trim(), command, options, argument }];
    });
}

const lines = pages.flatMap(commandLines);

it("finds what is told to be typed", () => {
  expect(pages.length).toBeGreaterThan(60);
  expect(lines.filter(({ command }) => known.has(command)).length).toBeGreaterThan(150);
});

it("names commands that are there", () => {
  // Prose goes on after the command's own name.
  const PROSE = new Set(["can", "itself", "that", "writes", "runs", "on", "is", "and", "it", "to", "in"]);
  expect(lines.filter(({ command }) => !known.has(command) && !PROSE.has(command))).toEqual([]);
});

it("names options that its command has", () => {
  const wrong = lines.filter(({ command, options }) => options.some((one) => known.get(command)?.has(one) === false));
  expect(wrong.map(({ page, line }) => `${page}: ${line}`)).toEqual([]);
});

it("gives arguments to commands that take some", () => {
  const takesNone = new Set(
    commands.filter(({ usage }) => usage === "" || /^(?:\[OPTIONS\]|--)/.test(usage)).map(({ name }) => name),
  );
  expect(takesNone.has("list")).toBe(true);
  expect(takesNone.has("start")).toBe(false);
  const wrong = lines.filter(({ command, argument }) => argument !== undefined && takesNone.has(command));
  expect(wrong.map(({ page, line }) => `${page}: ${line}`)).toEqual([]);
});
