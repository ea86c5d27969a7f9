// npm run check:size: what a bundle of each adapter with the core weighs, minified and gzipped, against its limit.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { root } from "./lib.mjs";

/** Bytes. Raise one only with a reason in the changelog. */
const LIMITS = { fetch: 28_900, lambda: 29_200, node: 29_500 };

for (const [adapter, limit] of Object.entries(LIMITS)) {
  const { outputFiles } = await build({
    entryPoints: [`${root}packages/carrier/dist/adapters/${adapter}.js`],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    external: ["node:*"],
    write: false,
  });
  const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
  const verdict = size <= limit ? "ok" : "TOO LARGE";
  console.log(`${adapter.padEnd(7)} ${size} of at most ${limit} bytes (min+gzip): ${verdict}`);
  if (size > limit) process.exitCode = 1;
}
