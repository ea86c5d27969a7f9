import { circles, codeAlone, folderOf, SourceTree } from "@durable-workflow/test-support/sources";
import { describe, expect, it } from "vitest";

/** The layer rules: which folder may import which, and what the neutral part may touch. */
const sources = new SourceTree(new URL("../src/", import.meta.url));
const { files } = sources;

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
  /^(?:adapters\/(?:node|serve|express|fastify|koa|google-cloud-functions)\.|node-http\/|storage\/local[.-]|storage\/clients\/gcs\.)/;

/** The packages that a folder, or a file, may import: peers that the user installs, behind a subpath of their own. */
const PEERS: Readonly<Record<string, readonly string[]>> = {
  opentelemetry: ["@opentelemetry/api"],
  "storage/clients/azure-blob.ts": ["@azure/storage-blob"],
  "storage/clients/gcs.ts": ["@google-cloud/storage"],
  "storage/clients/s3-aws-sdk.ts": ["@aws-sdk/client-s3"],
};

/** `imports` of package.json leads it to one of the files under payload/platform. */
const OWN_PLATFORM = "#bytes";

/** Subpaths of their own: what imports them would need Node, or the package behind them. */
const APART = /^storage\/(?:local[.-]|clients\/)/;

/** Rule 2 allows the codec to look Buffer up at run time, in this one file and without naming its type. */
const LOOKS_UP_BUFFER = "payload/platform/buffer.ts";

it("finds the sources", () => {
  expect(files.length).toBeGreaterThan(30);
  expect(new Set(files.map(folderOf))).toEqual(new Set(["", ...Object.keys(MAY_IMPORT)]));
});

describe.each(files.filter((file) => folderOf(file) !== ""))("%s", (file) => {
  it("imports its own layer and lower ones only, and no package but a peer of its own", () => {
    const folder = folderOf(file);
    for (const target of sources.importedPackages(file)) {
      if (target === OWN_PLATFORM || (NODE_ONLY.test(file) && target.startsWith("node:"))) continue;
      expect([...(PEERS[folder] ?? []), ...(PEERS[file] ?? [])], target).toContain(target);
    }
    for (const imported of sources.importedFiles(file)) {
      expect([folder, ...(MAY_IMPORT[folder] ?? [])], imported).toContain(folderOf(imported));
      if (folderOf(imported) === "node-http") expect(file, "is compiled with Node's types").toMatch(NODE_ONLY);
    }
  });

  it("leaves files with a subpath of their own alone", () => {
    for (const imported of sources.importedFiles(file)) {
      // One of them is a part of the other.
      if (file !== "storage/local.ts" || imported !== "storage/local-folders.ts") expect(imported).not.toMatch(APART);
    }
  });

  it("uses nothing of Node where it must not", () => {
    if (NODE_ONLY.test(file)) return;
    expect(sources.code(file)).not.toContain('from "node:');
    expect(codeAlone(sources.code(file))).not.toMatch(/\b(?:process|console|require)\s*[.(]/);
    if (file !== LOOKS_UP_BUFFER) expect(sources.code(file)).not.toMatch(/\bBuffer\b/);
  });

  it("keeps adapters apart", () => {
    if (folderOf(file) !== "adapters") return;
    expect(sources.targets(file).filter((target) => target.startsWith("./"))).toEqual([]);
  });
});

it("protocol reads no clock and does no I/O", () => {
  for (const file of files.filter((name) => folderOf(name) === "protocol")) {
    expect(sources.code(file), file).not.toMatch(/Date\.now|new Date\(\)|performance\.|fetch\(|setTimeout|crypto\./);
  }
});

it("keeps the contract's own field names in protocol, and where envelopes are written", () => {
  // What a result envelope is made of, what a log line or a details map is named, and the conformance cases.
  const writers =
    /^(?:activity\/(?:run\/(?:details|failure-envelope|failures|trouble|oversized-result|envelopes|task-runner)|handler|logger|definition\/logging-interceptor)|storage\/external-storage|payload\/(?:envelope|errors)|http\/responses|testing\/)/;
  const snake = /\b[a-z]+_[a-z_]+:(?! ")/;
  for (const file of files.filter((name) => folderOf(name) !== "protocol" && !writers.test(name))) {
    expect(sources.code(file), file).not.toMatch(snake);
  }
});

it("index files only re-export", () => {
  for (const file of files.filter((name) => name.endsWith("index.ts"))) {
    expect(sources.besideExports(file), file).toBe("");
  }
});

it("an adapter loads no part that carriers are handed: its bundle has those that are used", () => {
  const PARTS = /^(?:activity\/(?:heartbeat|idempotency)|storage)\//;
  for (const adapter of files.filter((name) => folderOf(name) === "adapters")) {
    const loaded = new Set<string>();
    const load = (file: string): void => {
      if (loaded.has(file)) return;
      loaded.add(file);
      for (const { file: next, typeOnly } of sources.imports(file)) if (next !== undefined && !typeOnly) load(next);
    };
    load(adapter);
    expect(loaded.size).toBeGreaterThan(20);
    // What tells a reference from a blob is all that every carrier needs.
    expect([...loaded].filter((file) => PARTS.test(file))).toEqual(["storage/stored-payload.ts"]);
  }
});

it("no files import each other, however long the way round", () => {
  expect(circles(new Map(files.map((file) => [file, sources.importedFiles(file)])))).toEqual([]);
});
