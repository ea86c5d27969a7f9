import { folderOf, SourceTree } from "@durable-workflow/test-support/sources";
import { describe, expect, it } from "vitest";

/** The layer rules: which folder may import which, and which packages. */
const sources = new SourceTree(new URL("../src/", import.meta.url));
const { files } = sources;

/** Beside its own folder and the files at the top. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  engine: [],
  store: ["engine"],
  service: ["engine", "store"],
  payloads: ["engine", "store", "service"],
  http: ["store"],
  wire: ["engine", "store", "service", "http"],
  contract: [],
  executor: ["engine", "store", "service", "http", "wire", "contract"],
  api: ["engine", "store", "service", "payloads", "http", "wire", "contract", "executor"],
};

const PACKAGES = [
  "@durable-workflow/carrier/payload",
  "@durable-workflow/carrier/protocol",
  "@durable-workflow/carrier/storage",
  "@durable-workflow/engine-protocol",
  "@durable-workflow/engine-protocol/control",
  "@durable-workflow/engine-protocol/executor-config",
  "@durable-workflow/engine-protocol/external-payloads",
  "@durable-workflow/engine-protocol/worker",
];

it("finds the sources", () => {
  expect(new Set(files.map(folderOf))).toEqual(new Set(["", ...Object.keys(MAY_IMPORT)]));
});

describe.each(files.filter((file) => folderOf(file) !== ""))("%s", (file) => {
  it("imports its own layer and lower ones only", () => {
    const folder = folderOf(file);
    for (const imported of sources.importedFiles(file)) {
      expect(["", folder, ...(MAY_IMPORT[folder] ?? [])], imported).toContain(folderOf(imported));
    }
  });
});

it("imports of the other packages the wire and the codec only", () => {
  for (const file of files) {
    for (const target of sources.importedPackages(file)) {
      if (target.startsWith("node:")) continue;
      expect(PACKAGES, file).toContain(target);
    }
  }
});

it("the state machine reads no clock, makes no ids and does no I/O", () => {
  for (const file of files.filter((one) => folderOf(one) === "engine")) {
    expect(sources.code(file), file).not.toMatch(/Date|performance|setTimeout|randomFill|fetch\(|process/);
    // The retry rule is the wire's own, and as pure.
    const rule = file === "engine/retry.ts" ? ["@durable-workflow/engine-protocol/control"] : [];
    expect(
      sources.targets(file).filter((one) => !one.startsWith("./")),
      file,
    ).toEqual(rule);
  }
});

it("keeps names of the wire where answers are made, and names of columns in the store", () => {
  const speaks = new Set(["wire", "api", "contract", "executor", "http", "store"]);
  const snake = /\b[a-z]+_[a-z_]+:(?! ")/;
  for (const file of files.filter((one) => !speaks.has(folderOf(one))))
    expect(sources.code(file), file).not.toMatch(snake);
});

it("prints nothing", () => {
  for (const file of files) expect(sources.code(file), file).not.toMatch(/\bconsole\b|process\.std/);
});

it("the entry point only re-exports", () => {
  expect(sources.besideExports("index.ts")).toBe("");
});
