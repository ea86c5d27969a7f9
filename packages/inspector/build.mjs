// node packages/inspector/build.mjs: bundles the page into dist/page, and refuses one that is too large. Files under assets/ carry
// the hash of what they hold in their names, so that whoever serves them may let browsers keep them for good.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** Bytes of all files of the page together, each gzipped. Raise it only with a reason in the changelog. */
const LIMIT = 60_000;

const source = fileURLToPath(new URL("src/page/", import.meta.url));
const target = fileURLToPath(new URL("dist/page/", import.meta.url));

const { outputFiles } = await build({
  entryPoints: { app: join(source, "main.tsx"), page: join(source, "styles/page.css") },
  outdir: target,
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  write: false,
});
const icon = { path: "icon.svg", contents: readFileSync(join(source, "icon.svg")) };

rmSync(target, { recursive: true, force: true });
mkdirSync(join(target, "assets"), { recursive: true });
let size = 0;
const names = new Map();
for (const { path, contents } of [...outputFiles, icon]) {
  const [, name, extension] = /([^/\\]+)\.(\w+)$/.exec(path);
  const hash = createHash("sha256").update(contents).digest("hex").slice(0, 12);
  const hashed = `assets/${name}-${hash}.${extension}`;
  writeFileSync(join(target, hashed), contents);
  names.set(`${name}.${extension}`, hashed);
  size += gzipSync(contents, { level: 9 }).length;
}
const html = readFileSync(join(source, "index.html"), "utf8").replaceAll(/\.\/assets\/([\w.]+)/g, (given, name) => {
  const hashed = names.get(name);
  if (hashed === undefined) throw new Error(`index.html names ${given}, which is not built`);
  return `./${hashed}`;
});
writeFileSync(join(target, "index.html"), html);
size += gzipSync(html, { level: 9 }).length;

// Silent where it fits, as tsc is: whoever runs `npm start` or `npm pack --json` reads other things.
if (size > LIMIT) {
  console.error(`inspector page: ${size} of at most ${LIMIT} bytes (min+gzip): TOO LARGE`);
  process.exitCode = 1;
}
