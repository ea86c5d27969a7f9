import { readdirSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** The layer rules: which folder may import which, and what the neutral part may touch. */
const src = fileURLToPath(new URL("../src/", import.meta.url));

/** Lower never imports higher. A folder may import itself and those listed. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  payload: ["protocol"],
  storage: ["protocol", "payload"],
  activity: ["protocol", "payload", "storage"],
  http: ["protocol", "payload", "storage", "activity"],
  "node-http": ["protocol", "payload", "storage", "activity", "http"],
  adapters: ["protocol", "payload", "storage", "activity", "http", "node-http"],
  testing: ["protocol", "payload", "storage", "activity", "http"],
  opentelemetry: ["protocol", "activity"],
};

/** Files that run on Node only. The SDK behind the last one does; its client needs no more than the types. */
const NODE_ONLY =
  /^(?:adapters\/(?:node|serve|express|fastify|koa|google-cloud-functions)\.|node-http\/|storage\/local\.|storage\/clients\/gcs\.)/;

/** The packages that a folder, or a file, may import: peers that the user installs, behind a subpath of their own. */
const PEERS: Readonly<Record<string, readonly string[]>> = {
  opentelemetry: ["@opentelemetry/api"],
  "storage/clients/azure-blob.ts": ["@azure/storage-blob"],
  "storage/clients/gcs.ts": ["@google-cloud/storage"],
  "storage/clients/s3-aws-sdk.ts": ["@aws-sdk/client-s3"],
};

/** Subpaths of their own: what imports them would need Node, or the package behind them. */
const APART = /^storage\/(?:local\.|clients\/)/;

/** Rule 2 allows the codec to look Buffer up at run time, in this one file and without naming its type. */
const LOOKS_UP_BUFFER = "payload/bytes.ts";

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));

const source = (file: string): string => readFileSync(src + file, "utf8");
/** The code without comments: prose may name what code may not. */
const code = (file: string): string => source(file).replaceAll(/\/\*.*?\*\/|\/\/[^\n]*/gs, "");
const imports = (file: string): string[] =>
  [...source(file).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
const folderOf = (file: string): string => (file.includes("/") ? (file.split("/")[0] ?? "") : "");

it("finds the sources", () => {
  expect(files.length).toBeGreaterThan(30);
  expect(new Set(files.map(folderOf))).toEqual(new Set(["", ...Object.keys(MAY_IMPORT)]));
});

describe.each(files.filter((file) => folderOf(file) !== ""))("%s", (file) => {
  it("imports its own layer and lower ones only, and no package but a peer of its own", () => {
    const folder = folderOf(file);
    for (const target of imports(file)) {
      if (NODE_ONLY.test(file) && target.startsWith("node:")) continue;
      if ([...(PEERS[folder] ?? []), ...(PEERS[file] ?? [])].includes(target)) continue;
      expect(target, "a relative import").toMatch(/^\.\.?\//);
      const imported = folderOf(relative(src, resolve(dirname(src + file), target)).replaceAll("\\", "/"));
      expect([folder, ...(MAY_IMPORT[folder] ?? [])]).toContain(imported);
      if (imported === "node-http") expect(file, "is compiled with Node's types").toMatch(NODE_ONLY);
    }
  });

  it("leaves files with a subpath of their own alone", () => {
    for (const target of imports(file).filter((name) => name.startsWith("."))) {
      expect(relative(src, resolve(dirname(src + file), target)).replaceAll("\\", "/")).not.toMatch(APART);
    }
  });

  it("uses nothing of Node where it must not", () => {
    if (NODE_ONLY.test(file)) return;
    expect(code(file)).not.toContain('from "node:');
    expect(code(file).replaceAll(/"[^"\n]*"/g, '""')).not.toMatch(/\b(?:process|console|require)\s*[.(]/);
    if (file !== LOOKS_UP_BUFFER) expect(code(file)).not.toMatch(/\bBuffer\b/);
  });

  it("keeps adapters apart", () => {
    if (folderOf(file) !== "adapters") return;
    expect(imports(file).filter((target) => target.startsWith("./"))).toEqual([]);
  });
});

it("protocol reads no clock and does no I/O", () => {
  for (const file of files.filter((name) => folderOf(name) === "protocol")) {
    expect(code(file), file).not.toMatch(/Date\.now|new Date\(\)|performance\.|fetch\(|setTimeout|crypto\./);
  }
});

it("keeps the contract's own field names in protocol, and where envelopes are written", () => {
  // What a result envelope is made of, what a log line or a details map is named, and the conformance cases.
  const writers =
    /^(?:activity\/(?:results|oversized-result|handler|task-runner|logger|logging-interceptor)|storage\/external-storage|payload\/(?:envelope|errors)|http\/responses|testing\/)/;
  const snake = /\b[a-z]+_[a-z_]+:(?! ")/;
  for (const file of files.filter((name) => folderOf(name) !== "protocol" && !writers.test(name))) {
    expect(code(file), file).not.toMatch(snake);
  }
});

it("index files only re-export", () => {
  for (const file of files.filter((name) => name.endsWith("index.ts"))) {
    const rest = code(file).replaceAll(/export (?:type )?(?:\*|\{[^}]*\}) from "[^"]+";/g, "");
    expect(rest.trim(), file).toBe("");
  }
});
