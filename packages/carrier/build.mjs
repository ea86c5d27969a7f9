// node packages/carrier/build.mjs: bundles what tsc has compiled into dist/doors, one module for each entry point of the
// package and a few that they share, so that importing one reads a handful of files. Types stay where tsc writes them.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const folder = fileURLToPath(new URL("./", import.meta.url));
const target = join(folder, "dist/doors");
const { exports, imports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** The compiled module that a door shows, by its path without extension under dist/doors. */
const doors = {};
for (const [door, { types, default: file }] of Object.entries(exports)) {
  if (types === undefined) continue;
  const name = door === "." ? "index" : door.slice(2).replaceAll("/", "-");
  if (file !== `./dist/doors/${name}.js`) throw new Error(`the door ${door} must lead to ./dist/doors/${name}.js`);
  doors[name] = types.replace(/\.d\.ts$/, ".js");
}
// What codecs are made of, by the platform that loads them: see `imports` of package.json.
for (const name of ["portable", "buffer"]) doors[`platform-${name}`] = `dist/payload/platform/${name}.js`;
for (const file of Object.values(imports["#bytes"])) {
  if (!file.endsWith(".d.ts") && !(basename(file, ".js") in doors)) throw new Error(`#bytes: ${file} is not built`);
}

/** What is compiled, with the map that leads to its TypeScript. */
const compiled = {
  name: "compiled",
  load(id) {
    const code = readFileSync(id, "utf8").replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
    return { code, map: readFileSync(`${id}.map`, "utf8") };
  },
};

/**
 * Modules that doors share, each of which is one for all of them, so that every class is there once. The codec looks for its
 * platform, and that for the bytes.
 */
const groups = [
  // What every other one uses. Bundlers that make one file of everything put off what is loaded later, and all that it
  // uses itself: that is in here, and small.
  {
    name: "base",
    test: /dist\/(?:payload\/errors|protocol\/(?:brand|describe-received|format-timestamp|recordable-text)|activity\/(?:clip|errors|read-property))\.js$/,
  },
  { name: "bytes", test: /dist\/payload\/(?:bytes|platform\/portable)\.js$/ },
  // What errors say: loaded with the first failure.
  { name: "thrown", test: /dist\/(?:activity\/(?:causes|thrown)|protocol\/recordable-name)\.js$/ },
  { name: "trouble", test: /dist\/activity\/run\/(?:details|failure-envelope|failures|trouble)\.js$/ },
  // Loaded by those who meet a large blob.
  { name: "large-blob", test: /dist\/(?:node-http\/large-blob|protocol\/plain-text)\.js$/ },
  { name: "codec", test: /dist\/(?:payload\/(?!platform)|protocol\/)/ },
  { name: "carrier", test: /dist\/(?:activity\/(?!idempotency\/|heartbeat\/)|http\/)/ },
  { name: "node-http", test: /dist\/node-http\// },
];

const bundle = await rolldown({
  input: Object.fromEntries(Object.entries(doors).map(([name, file]) => [name, join(folder, file)])),
  cwd: folder,
  external: (id) => !id.startsWith(".") && !id.startsWith(folder),
  platform: "neutral",
  preserveEntrySignatures: "strict",
  plugins: [compiled],
});
const { output } = await bundle.generate({
  // Where the files will lie: paths in source maps are relative to it.
  dir: target,
  format: "esm",
  sourcemap: true,
  entryFileNames: "[name].js",
  chunkFileNames: "shared/[name].js",
  // Names stay what they are, for stack traces, and so do lines; what whoever bundles would do again is done.
  minify: { compress: true, mangle: false, codegen: false },
  comments: { legal: true, annotation: true, jsdoc: false },
  codeSplitting: {
    groups: groups.map(({ name, test }, index) => ({ name, test, minShareCount: 2, priority: groups.length - index })),
  },
});
await bundle.close();

mkdirSync(join(target, "shared"), { recursive: true });
for (const { fileName, type, code, source } of output) {
  // No module has side effects; an import for their sake is one that users' bundlers would warn of.
  const text = type === "chunk" ? code.replaceAll(/^import "\..*";$/gm, "") : source;
  writeFileSync(join(target, fileName), text);
}

// What an earlier build has left: last, for others may be reading.
const written = new Set(output.map(({ fileName }) => fileName));
for (const file of readdirSync(target, { recursive: true })) {
  if (/\.(?:js|map)$/.test(file) && !written.has(file.replaceAll("\\", "/"))) rmSync(join(target, file));
}
