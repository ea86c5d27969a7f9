import { fileURLToPath } from "node:url";
import { SourceTree } from "@durable-workflow/test-support/sources";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const sources = new SourceTree(new URL("../src/", import.meta.url));
const { files } = sources;

/** What a worker may know of the other packages: of the dispatcher what leases, and nothing of what delivers over HTTP. */
const PACKAGES: ReadonlySet<string> = new Set([
  "@durable-workflow/carrier",
  "@durable-workflow/carrier/heartbeat",
  "@durable-workflow/carrier/manifest",
  "@durable-workflow/carrier/protocol",
  "@durable-workflow/carrier/storage",
  "@durable-workflow/dispatcher/leasing",
  "@durable-workflow/engine-protocol",
  "@durable-workflow/engine-protocol/worker",
]);

describe.each(files)("%s", (file) => {
  it("imports what it may know", () => {
    const targets = sources.importedPackages(file).filter((target) => !target.startsWith("node:"));
    expect(targets.filter((target) => !PACKAGES.has(target))).toEqual([]);
  });

  it("prints nothing and takes over nothing of its process, except where that is the point", () => {
    if (file !== "signals.ts") {
      expect(sources.code(file)).not.toMatch(/\bconsole\.|process\.(?:on|once|exit|stdout|stderr)\b/);
      expect(sources.code(file)).not.toMatch(/Date\.now|new Date\(\)|performance\.|setTimeout|setInterval/);
    }
  });
});

it("index.ts only re-exports", () => {
  expect(sources.besideExports("index.ts")).toBe("");
});

it("loads neither loggers nor metrics, nor what delivers over HTTP", async () => {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL("../dist/index.js", import.meta.url))],
    bundle: true,
    platform: "node",
    format: "esm",
    write: false,
    metafile: true,
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.some((file) => file.includes("lane-polls"))).toBe(true);
  const heavy = /\/(?:pino|prom-client|aws4fetch)\/|http-carrier|http-exchange|process-carrier|profiles/;
  expect(inputs.filter((file) => heavy.test(file))).toEqual([]);
});
