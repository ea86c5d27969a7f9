// npm run check:size [-- --write]: what a bundle of each adapter with two plain functions weighs, minified and gzipped,
// against its limit, and what each part adds to the one of /fetch. --write brings the tables of docs/host/bundle-size.md up to
// date; without it they are compared.
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { root } from "./lib.mjs";

/** Bytes. Raise one only with a reason in the changelog. */
const LIMITS = { fetch: 14_250, lambda: 15_400, node: 15_400 };
/** `/fetch` as for workers: they have no Buffer. */
const CONDITIONS = { lambda: ["node"], node: ["node"] };
/** The tables are written in hundreds of bytes; a difference below this is none. */
const TOLERANCE = 100;

const FUNCTIONS = "{ greet: (name) => `Hello, ${name}`, add: (a, b) => a + b }";
const MAKERS = {
  fetch: "fetchInvocableActivityHandler",
  lambda: "lambdaInvocableActivityHandler",
  node: "nodeInvocableActivityHandler",
};

/** What a carrier may bring, each with the program that does so. */
const PARTS = {
  "`bearerToken` (`.`)": ["", 'import { bearerToken } from "@durable-workflow/carrier";', 'auth: bearerToken("t")'],
  "`defineActivity` with schemas (`.`)": [
    "more: defineActivity({ run: () => 1 })",
    'import { defineActivity } from "@durable-workflow/carrier";',
    "",
  ],
  "`activityManifest` (`/manifest`)": [
    "",
    'import { activityManifest } from "@durable-workflow/carrier/manifest";',
    "manifest: activityManifest()",
  ],
  "`interceptWith` and `loggingInterceptor` (`.`)": [
    "",
    'import { interceptWith, loggingInterceptor } from "@durable-workflow/carrier";',
    "interceptors: interceptWith(loggingInterceptor())",
  ],
  "`engineHeartbeats` (`/heartbeat`)": [
    "",
    'import { engineHeartbeats } from "@durable-workflow/carrier/heartbeat";',
    'heartbeat: engineHeartbeats({ serverUrl: "https://a.test", token: "t" })',
  ],
  "`idempotent` with the store in memory (`/idempotency`)": [
    "",
    'import { idempotent, MemoryIdempotencyStore } from "@durable-workflow/carrier/idempotency";',
    "idempotency: idempotent({ store: new MemoryIdempotencyStore() })",
  ],
  "`externalStorage` with S3 (`/storage`)": [
    "",
    'import { externalStorage, S3ExternalStorage } from "@durable-workflow/carrier/storage";',
    'externalStorage: externalStorage(new S3ExternalStorage({ client: globalThis.client, bucket: "b" }))',
  ],
};

function kilobytes(size) {
  return `${(size / 1000).toFixed(1)} kB`;
}

/**
 * What a program loads at first: what it imports when it is needed is not counted.
 *
 * @param {string} program
 * @param {string[]} conditions those under which bundlers for its platform resolve `imports`
 */
async function sizeOf(program, conditions = []) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: `${root}packages/cli` },
    bundle: true,
    splitting: true,
    outdir: "out",
    minify: true,
    format: "esm",
    platform: "neutral",
    conditions,
    external: ["node:*"],
    write: false,
    metafile: true,
  });
  const outputs = Object.entries(metafile.outputs);
  const entry = outputs.find(([, { entryPoint }]) => entryPoint === "<stdin>")[0];
  const loaded = new Set([entry]);
  for (const file of loaded) {
    for (const { path, kind } of metafile.outputs[file].imports) {
      if (kind === "import-statement" && metafile.outputs[path] !== undefined) loaded.add(path);
    }
  }
  const code = outputFiles.filter(({ path }) => [...loaded].some((file) => path.endsWith(`/${file}`)));
  return gzipSync(Buffer.concat(code.map(({ contents }) => contents)), { level: 9 }).length;
}

function programOf(adapter, [handlers, imports, options] = ["", "", ""]) {
  const maker = MAKERS[adapter];
  return `import { ${maker} } from "@durable-workflow/carrier/${adapter}";\n${imports}
    export default ${maker}({ ...${FUNCTIONS}, ${handlers} }, { ${options} });`;
}

const sizes = {};
for (const [adapter, limit] of Object.entries(LIMITS)) {
  const size = await sizeOf(programOf(adapter), CONDITIONS[adapter]);
  sizes[`/${adapter}`] = size;
  const verdict = size <= limit ? "ok" : "TOO LARGE";
  console.log(`${adapter.padEnd(7)} ${size} of at most ${limit} bytes (min+gzip): ${verdict}`);
  if (size > limit) process.exitCode = 1;
}
const added = {};
for (const [part, program] of Object.entries(PARTS)) {
  added[part] = (await sizeOf(programOf("fetch", program))) - sizes["/fetch"];
  console.log(`+ ${String(added[part]).padStart(5)} bytes: ${part.replaceAll("`", "")}`);
}

/** Of the client with its codec: what is loaded at first, and what is loaded when it is needed. Bytes. */
const CLIENT_LIMITS = { browser: 12_150, node: 13_050 };

const CLIENT = 'export { activityContract, createClient } from "@durable-workflow/client";';

for (const [condition, limit] of Object.entries(CLIENT_LIMITS)) {
  const size = await sizeOf(CLIENT, [condition]);
  const verdict = size <= limit ? "ok" : "TOO LARGE";
  console.log(`client (${condition}) ${size} of at most ${limit} bytes (min+gzip): ${verdict}`);
  if (size > limit) process.exitCode = 1;
}

const page = `${root}docs/host/bundle-size.md`;
const told = readFileSync(page, "utf8");
const rows = [...told.matchAll(/^\| (.+?) +\| +([\d.]+) kB \|$/gm)].map(([, name, kB]) => [
  name.replaceAll(/^`|`$/g, ""),
  kB,
]);
const measured = Object.entries({ ...sizes, ...added });
const differences = measured.filter(([name, size]) => {
  const row = rows.find(([label]) => label === name.replaceAll(/^`|`$/g, ""));
  return row === undefined || Math.abs(Number(row[1]) * 1000 - size) > TOLERANCE;
});

if (process.argv.includes("--write")) {
  // As the formatter has it.
  const table = (title, entries) => {
    const width = Math.max(...entries.map(([name]) => name.length), title.length);
    const row = (left, right) => `| ${left.padEnd(width)} | ${right.padStart(8)} |\n`;
    const lines = entries.map(([name, size]) => row(name, kilobytes(size)));
    return row(title, "min+gzip") + row("-".repeat(width), "-------:") + lines.join("");
  };
  const adapters = Object.entries(sizes).map(([name, size]) => [`\`${name}\``, size]);
  const text = told
    .replace(/(<!-- adapters -->\n\n)[^]*?(?=\n<!-- end -->)/, `$1${table("adapter", adapters)}`)
    .replace(/(<!-- parts -->\n\n)[^]*?(?=\n<!-- end -->)/, `$1${table("part", Object.entries(added))}`);
  writeFileSync(page, text);
} else if (differences.length > 0) {
  console.error(
    `docs/host/bundle-size.md says otherwise of ${differences.map(([name]) => name).join(", ")}: npm run check:size -- --write`,
  );
  process.exitCode = 1;
}
