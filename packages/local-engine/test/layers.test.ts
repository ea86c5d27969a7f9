import { readdirSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** The layer rules: which folder may import which, and which packages. */
const src = fileURLToPath(new URL("../src/", import.meta.url));

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

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));

const source = (file: string): string => readFileSync(src + file, "utf8");
const code = (file: string): string => source(file).replaceAll(/\/\*.*?\*\/|\/\/[^\n]*/gs, "");
const imports = (file: string): string[] =>
  [...source(file).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
const folderOf = (file: string): string => (file.includes("/") ? (file.split("/")[0] ?? "") : "");

it("finds the sources", () => {
  expect(new Set(files.map(folderOf))).toEqual(new Set(["", ...Object.keys(MAY_IMPORT)]));
});

describe.each(files.filter((file) => folderOf(file) !== ""))("%s", (file) => {
  it("imports its own layer and lower ones only", () => {
    const folder = folderOf(file);
    for (const target of imports(file).filter((one) => one.startsWith("."))) {
      const imported = folderOf(relative(src, resolve(dirname(src + file), target)).replaceAll("\\", "/"));
      expect(["", folder, ...(MAY_IMPORT[folder] ?? [])], target).toContain(imported);
    }
  });
});

it("imports of the other packages the wire and the codec only, and the database driver in one place", () => {
  for (const file of files) {
    for (const target of imports(file).filter((one) => !one.startsWith("."))) {
      if (target.startsWith("node:")) continue;
      expect(file === "store/connection.ts" ? [...PACKAGES, "libsql"] : PACKAGES, file).toContain(target);
    }
  }
});

it("the state machine reads no clock, makes no ids and does no I/O", () => {
  for (const file of files.filter((one) => folderOf(one) === "engine")) {
    expect(code(file), file).not.toMatch(/Date|performance|setTimeout|randomFill|fetch\(|process/);
    // The retry rule is the wire's own, and as pure.
    const rule = file === "engine/retry.ts" ? ["@durable-workflow/engine-protocol/control"] : [];
    expect(
      imports(file).filter((one) => !one.startsWith("./")),
      file,
    ).toEqual(rule);
  }
});

it("keeps names of the wire where answers are made, and names of columns in the store", () => {
  const speaks = new Set(["wire", "api", "contract", "executor", "http", "store"]);
  const snake = /\b[a-z]+_[a-z_]+:(?! ")/;
  for (const file of files.filter((one) => !speaks.has(folderOf(one)))) expect(code(file), file).not.toMatch(snake);
});

it("prints nothing", () => {
  for (const file of files) expect(code(file), file).not.toMatch(/\bconsole\b|process\.std/);
});

it("the entry point only re-exports", () => {
  const rest = code("index.ts").replaceAll(/export (?:type )?(?:\*|\{[^}]*\}) from "[^"]+";/g, "");
  expect(rest.trim()).toBe("");
});
