// npm run chaos -- --tasks N --minutes M [--seed S] [--faults PER_MINUTE] [--page FILE.md] [--calm] [--json] [--keep]
// npm run chaos -- --soak [--minutes M] [--rate PER_SECOND] [--page FILE.md]
// Its parts are in TypeScript, and take the workspace's test support, which is never compiled: they are bundled first.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
// Below node_modules, so that imports of the packages lead where they lead from here.
const outdir = join(here, "../node_modules/.cache/chaos", String(process.pid));
await build({
  absWorkingDir: here,
  entryPoints: ["main.ts", "activities.ts", "engine.ts", "starter.ts", "stepped-clock.ts"],
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  logLevel: "warning",
  external: [
    "@durable-workflow/carrier",
    "@durable-workflow/client",
    "@durable-workflow/engine-protocol",
    "@durable-workflow/local-engine",
  ],
});
try {
  const { main } = await import(join(outdir, "main.mjs"));
  process.exitCode = await main(process.argv.slice(2), outdir);
} finally {
  rmSync(outdir, { recursive: true, force: true });
}
