// npm run check:size [-- --write]: what a bundle of each adapter with two plain functions weighs, minified and gzipped,
// against its limit, and what each part adds to the one of /fetch. --write brings the tables of docs/host/bundle-size.md up to
// date; without it they are compared.
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { root } from "./lib.mjs";

/** Bytes. Raise one only with a reason in the changelog. */
const LIMITS = { fetch: 13_050, lambda: 14_000, node: 14_000 };
/** Bytes, where a bundler makes one file of everything: what is loaded later is in it too. */
const ONE_FILE_LIMITS = { fetch: 14_700, lambda: 15_800, node: 16_300 };
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
 * What a program loads at first: what it imports when it is needed is not counted, unless it is all in one file.
 *
 * @param {string} program
 * @param {string[]} conditions those under which bundlers for its platform resolve `imports`
 * @param {boolean} splitting whether the bundler makes files of what is imported when it is needed
 */
async function sizeOf(program, conditions = [], splitting = true) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: `${root}packages/cli` },
    bundle: true,
    splitting,
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

function hold(what, size, limit) {
  const verdict = size <= limit ? "ok" : "TOO LARGE";
  console.log(`${what} ${size} of at most ${limit} bytes (min+gzip): ${verdict}`);
  if (size > limit) process.exitCode = 1;
}

const sizes = {};
for (const [adapter, limit] of Object.entries(LIMITS)) {
  sizes[`/${adapter}`] = await sizeOf(programOf(adapter), CONDITIONS[adapter]);
  hold(adapter.padEnd(19), sizes[`/${adapter}`], limit);
}
for (const [adapter, limit] of Object.entries(ONE_FILE_LIMITS)) {
  sizes[`/${adapter} in one file`] = await sizeOf(programOf(adapter), CONDITIONS[adapter], false);
  hold(`${adapter} in one file`.padEnd(19), sizes[`/${adapter} in one file`], limit);
}
const added = {};
for (const [part, program] of Object.entries(PARTS)) {
  added[part] = (await sizeOf(programOf("fetch", program))) - sizes["/fetch"];
  console.log(`+ ${String(added[part]).padStart(5)} bytes: ${part.replaceAll("`", "")}`);
}

/** Of the client with its codec: what is loaded at first, and what is loaded when it is needed. Bytes. */
const CLIENT_LIMITS = { browser: 12_000, node: 12_920 };

const CLIENT = 'export { activityContract, createClient } from "@durable-workflow/client";';

for (const [condition, limit] of Object.entries(CLIENT_LIMITS)) {
  hold(`client (${condition})`.padEnd(19), await sizeOf(CLIENT, [condition]), limit);
}

const page = `${root}docs/host/bundle-size.md`;
const told = readFileSync(page, "utf8");
const rows = [...told.matchAll(/^\| (.+?) +\| +([\d.]+) kB \|$/gm)].map(([, name, kB]) => [
  name.replaceAll("`", ""),
  kB,
]);
const measured = Object.entries({ ...sizes, ...added });
const differences = measured.filter(([name, size]) => {
  const row = rows.find(([label]) => label === name.replaceAll("`", ""));
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
  const adapters = Object.entries(sizes).map(([name, size]) => [name.replace(/\S+/, "`$&`"), size]);
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
