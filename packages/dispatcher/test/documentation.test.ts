import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseExecutorConfig } from "@durable-workflow/engine-protocol/executor-config";
import { markdownTable } from "@durable-workflow/test-support/markdown";
import { describe, expect, it } from "vitest";
import { loadAuthorizers } from "../src/authorizers.js";
import { resolveOptions } from "../src/dispatch/options.js";

/** The documents' code blocks, as they are printed, compiled against the built package. */
const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = `${root}.cache/documentation-dispatcher`;
const DOCUMENTS = ["packages/dispatcher/README.md", "docs/operate/dispatcher.md"];
const read = (file: string): string => readFileSync(root + file, "utf8");
const blocksOf = (file: string, language: string): string[] =>
  [...read(file).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map((match) => match[1] ?? "");

it("compiles every example strictly", () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const blocks = DOCUMENTS.flatMap((document) => blocksOf(document, "ts"));
  expect(blocks).toHaveLength(4);
  for (const [index, code] of blocks.entries()) writeFileSync(`${folder}/example-${index}.mts`, code);
  const compilerOptions = { module: "NodeNext", target: "ES2022", strict: true, noEmit: true, types: ["node"] };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ["*.mts"] }));
  const tsc = `${root}node_modules/typescript/bin/tsc`;
  expect(spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" }).stdout).toBe("");
});

describe("docs/operate/dispatcher.md", () => {
  const text = read("docs/operate/dispatcher.md");

  it("has a config that is in order", () => {
    const [config = ""] = blocksOf("docs/operate/dispatcher.md", "json");
    expect(parseExecutorConfig(JSON.parse(config)).mappings).toMatchObject([{ activityType: "billing.charge-card" }]);
  });

  it("has a file of authorizers that is in order, and the same as in code", async () => {
    mkdirSync(folder, { recursive: true });
    const [file = ""] = blocksOf("docs/operate/dispatcher.md", "json authorizers");
    writeFileSync(`${folder}/authorizers.json`, file);
    const authorizers = await loadAuthorizers(`${folder}/authorizers.json`, { environment: {} });
    expect(Object.keys(authorizers)).toEqual(["lambda", "run", "access", "azure", "vercel"]);
    expect(() => resolveOptions({ environment: {}, authorizers })).not.toThrow();
  });

  it("has the config reference that the schema gives", () => {
    const script = fileURLToPath(new URL("../../../scripts/config-reference.mjs", import.meta.url));
    expect(spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" }).stdout).toContain("up to date");
  });

  it("names every error of a config", () => {
    const codes = read("packages/engine-protocol/src/executor-config/errors.ts").matchAll(/^ {2}(?:\| )?"([a-z_]+)"/gm);
    const names = [...codes].map((match) => match[1] ?? "");
    expect(names.length).toBeGreaterThan(12);
    for (const name of names) expect(text, name).toContain(name);
  });

  it("leaves metrics to their own page, which has each, and how tasks may end", () => {
    const page = read("docs/reference/metrics.md");
    const metrics = read("packages/dispatcher/src/service/metrics.ts").matchAll(/"(dw_dispatcher_[a-z_]+)"/g);
    const names = [...metrics].map((match) => match[1] ?? "");
    expect(names.length).toBeGreaterThan(14);
    for (const name of names) expect(page, name).toContain(`\n| \`${name}\` `);
    expect(text).not.toMatch(/^\| `dw_dispatcher_/m);
    const ends = /type TaskEnd =\n([^]*?)\n\n/.exec(read("packages/dispatcher/src/events/events.ts"))?.[1] ?? "";
    const values = [...ends.matchAll(/"(\w+)"/g)].map((match) => match[1] ?? "");
    expect(values.length).toBeGreaterThan(4);
    expect(page).toContain(`how they ended: ${values.join(", ")}.`);
  });

  it("has the defaults that count", () => {
    const { maxInFlight, maxPolls, drainMs, breaker } = resolveOptions({ environment: {} });
    expect(text).toContain(`\`maxInFlight\` (${maxInFlight})`);
    expect(text).toContain(`\`maxPolls\` (${maxPolls} `);
    expect(text).toContain(`\`drainMs\` (${drainMs / 1000} s`);
    expect(text).toContain(
      `pause (${breaker.firstPauseMs / 1000} s, doubled up to ${breaker.longestPauseMs / 1000} s)`,
    );
    expect(breaker.failures).toBe(5);
  });
});

describe("docs/operate/capacity.md", () => {
  const page = read("docs/operate/capacity.md");
  const number = (text: string): number => Number(text.replaceAll(",", ""));

  it("computes with the longest wait between heartbeats", () => {
    const [, longest = ""] =
      /^const LONGEST_WAIT_MS = ([\d_]+);/m.exec(read("packages/dispatcher/src/lease/keeper.ts")) ?? [];
    const seconds = number(longest.replaceAll("_", "")) / 1000;
    // Up to a quarter later by chance.
    expect(page).toContain(`one each ${seconds} to ${(seconds * 1.25).toFixed(1)} s and task`);
    expect(page).toContain(`T floor(S / ${(seconds * 1.125).toFixed(1)})`);
  });

  it.each(markdownTable(page, "load").map((cells) => [cells[0] ?? "", cells] as const))("%s: %j", (load, cells) => {
    const [, inFlight = "", dispatchers = "", requests = ""] = cells;
    const [, rate = "", duration = "", queues = ""] =
      /^([\d,]+) tasks\/s of ([\d.]+) s, (one|three) queues?$/.exec(load) ?? [];
    const [T, S, L] = [number(rate), number(duration), queues === "three" ? 3 : 1];
    expect(number(inFlight)).toBe(T * S);
    const D = number(/^\d+/.exec(dispatchers)?.[0] ?? "");
    const H = 30;
    const expected = [2, 3].map((each) => Math.round((D * L) / 30 + (D * L) / H + each * T + T * Math.floor(S / 8.4)));
    expect(requests.split(" to ").map(number)).toEqual(expected);
  });
});
