import { folderOf, SourceTree } from "@durable-workflow/test-support/sources";
import { describe, expect, it } from "vitest";

/** The layer rules: which folder may import which, and what the dispatcher may know of the carrier. */
const sources = new SourceTree(new URL("../src/", import.meta.url));
const { files } = sources;

/** Lower never imports higher, not even for a type. A folder may import itself and those listed. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  time: [],
  config: [],
  events: [],
  net: ["config", "time"],
  engine: ["config", "net", "time"],
  payloads: ["config", "net", "engine", "time"],
  delivery: ["config", "net", "engine", "payloads", "time"],
  authorizers: ["config", "net", "delivery", "time"],
  lease: ["config", "net", "engine", "payloads", "delivery", "time"],
  dispatch: ["config", "events", "net", "engine", "payloads", "delivery", "lease", "time"],
  service: ["config", "events", "dispatch"],
};

const CARRIER: ReadonlySet<string> = new Set([
  "@durable-workflow/carrier/protocol",
  "@durable-workflow/carrier/payload",
  // Of carriers of this process, and loaded only where an engine wants to know what their arguments look like.
  "@durable-workflow/carrier/manifest",
  "@durable-workflow/engine-protocol",
  "@durable-workflow/engine-protocol/executor-config",
  "@durable-workflow/engine-protocol/external-payloads",
  "@durable-workflow/engine-protocol/worker",
]);
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  undici: [
    "net/agents.ts",
    "net/bounded-request.ts",
    "engine/wire.ts",
    "delivery/http-agents.ts",
    "payloads/exchange.ts",
  ],
  aws4fetch: ["authorizers/aws-sigv4.ts"],
  pino: ["service/logs.ts"],
  "prom-client": ["service/metrics.ts", "service/health-server.ts"],
};

it("finds the sources", () => {
  expect(files.length).toBeGreaterThan(40);
  expect(new Set(files.map(folderOf))).toEqual(new Set(["", ...Object.keys(MAY_IMPORT)]));
});

describe.each(files.filter((file) => folderOf(file) !== ""))("%s", (file) => {
  it("imports its own layer and lower ones, and of the other packages what it may know", () => {
    const folder = folderOf(file);
    for (const target of sources.importedPackages(file)) {
      if (target.startsWith("node:") || CARRIER.has(target)) continue;
      expect(PACKAGES[target], `${target} in ${file}`).toContain(file);
    }
    for (const imported of sources.importedFiles(file)) {
      expect([folder, ...(MAY_IMPORT[folder] ?? [])], `${imported} in ${file}`).toContain(folderOf(imported));
    }
  });
});

it("its tools are few", () => {
  const names = [...sources.code("tools.ts").matchAll(/export \{([^}]*)\}/g)].flatMap(
    ([, list]) => list?.split(",") ?? [],
  );
  expect(new Set(names.map((name) => name.trim()))).toEqual(
    new Set(["CredentialStore", "LineBatch", "Secrets", "ServerClock", "fileTrouble", "flushLines"]),
  );
});

it("prints nothing and takes over nothing of its process, except where that is the point", () => {
  // Signals, and lines that wait when the process exits.
  const where = new Set(["service/signals.ts", "service/line-batch.ts"]);
  for (const file of files.filter((name) => !where.has(name))) {
    expect(sources.code(file), file).not.toMatch(/\bconsole\.|process\.(?:on|once|exit|stdout|stderr)\b/);
  }
});

it("reads the time from its clock", () => {
  const where = new Set(["time/clock.ts", "service/logs.ts", "service/line-batch.ts"]);
  for (const file of files.filter((name) => !where.has(name))) {
    expect(sources.code(file), file).not.toMatch(/Date\.now|new Date\(\)|performance\.|setTimeout|setInterval/);
  }
});

it("keeps the contract's own field names where documents are read and written", () => {
  // Labels of metrics are written as Prometheus writes them.
  const writers =
    /^(?:engine\/(?:client|outcomes|polls|recordable|registrations|report-batches)|delivery\/result-mapping|service\/metrics|dispatch\/(?:settle-poll|attempt-(?:report|payloads))|lease\/stand-in|payloads\/(?:failures|shared-store)|authorizers\/google-key-file)\.ts$/;
  for (const file of files.filter((name) => !writers.test(name))) {
    expect(sources.code(file), file).not.toMatch(/\b[a-z]+_[a-z_]+:(?! ")/);
  }
});

it("cuts foreign text in one function, which halves no character", () => {
  // What is no text of others: parts of a URL, digests, ids made here, lists, addresses, documents made here.
  const OWN: Readonly<Record<string, number>> = {
    "config/carrier.ts": 1,
    "delivery/trace.ts": 2,
    "dispatch/lane-plan.ts": 1,
    "net/addresses.ts": 1,
    "net/secrets.ts": 1,
    "payloads/blob-bytes.ts": 2,
  };
  for (const file of files) {
    const cuts = sources.code(file).match(/\.(?:slice|substring|substr)\(/g) ?? [];
    expect(cuts.length, `${file}: use excerpt or preview of engine/recordable`).toBe(OWN[file] ?? 0);
  }
});

it("reads files as text in one function, which refuses what is not UTF-8", () => {
  for (const file of files.filter((name) => name !== "config/text-file.ts")) {
    expect(sources.code(file), `${file}: use readTextFile`).not.toMatch(/\breadFile(?:Sync)?\b/);
  }
});

it("reports to the engine only what was made recordable", () => {
  const casts = files.filter((file) => /as (?:unknown as )?Recordable(?:Failure|Result)\b/.test(sources.code(file)));
  expect(casts).toEqual(["engine/recordable.ts"]);
  const senders = files.filter((file) => /PATHS\.(?:complete|fail)\)/.test(sources.code(file)));
  expect(senders).toEqual(["engine/client.ts"]);
});

it.each(["index.ts", "authorizers.ts"])("%s only re-exports", (door) => {
  expect(sources.besideExports(door)).toBe("");
});
