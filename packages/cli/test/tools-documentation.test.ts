import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { conformanceHandlers } from "@durable-workflow/carrier/testing";
import { describe, expect, it } from "vitest";
import { completion } from "../src/commands/completion.js";
import { conformance } from "../src/commands/conformance.js";
import { doctor } from "../src/commands/doctor.js";
import { inspect } from "../src/commands/inspect.js";
import { invoke } from "../src/commands/invoke.js";
import type { Command } from "../src/shell/command.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const read = (file: string): string => readFileSync(root + file, "utf8");
const text = read("docs/reference/cli-tools.md");
const COMMANDS: readonly Command[] = [conformance, doctor, inspect, invoke, completion(() => Promise.resolve([]))];

/** What a source names, by an expression whose first group is the name. */
const named = (file: string, expression: RegExp): string[] =>
  [...read(`packages/cli/src/${file}`).matchAll(expression)].map((match) => match[1] ?? "");

describe("docs/reference/cli-tools.md", () => {
  it("has every conformance activity, and no other", () => {
    const documented = [...text.matchAll(/^\| `(conformance\.[a-z-]+)`/gm)].map((match) => match[1]);
    expect(documented).toEqual(Object.keys(conformanceHandlers));
  });

  it("has every kind of document", () => {
    const kinds = named("inspect/inspection.ts", /^ {2}\| "([a-z_]+)"/gm);
    expect(kinds.length).toBeGreaterThan(15);
    for (const kind of kinds) expect(text, kind).toContain(`\`${kind}\``);
  });

  it("has every finding", () => {
    const ids = ["engine-checks.ts", "role-checks.ts", "carrier-checks.ts"].flatMap((file) =>
      named(
        `doctor/${file}`,
        /"((?:auth|clock|connection|contracts|artifacts|executor_config|namespace|protocol|server)(?:\.[a-z]+)?)"/g,
      ),
    );
    expect(new Set(ids).size).toBeGreaterThanOrEqual(15);
    for (const id of ids) expect(text, id).toContain(`\`${id}\``);
  });

  it.each(COMMANDS)("$name: has its options, as --help has its example", ({ name, options, examples, description }) => {
    expect(text).toContain(`dw-carrier ${name}`);
    expect(examples.length).toBeGreaterThan(0);
    for (const { line } of examples) expect(line).toContain(`dw-carrier ${name}`);
    // Options that every command of a kind has are in docs/reference/cli.md.
    const shared = new Set(["server", "namespace", "profile", "data", "token-env", "overlay", "timeout"]);
    for (const option of Object.keys(options)) if (!shared.has(option)) expect(text, option).toContain(`--${option}`);
    for (const line of description.split("\n")) expect(line.length).toBeLessThanOrEqual(130);
  });
});
