import { join } from "node:path";
import { build } from "esbuild";
import { appPlatform } from "./support/app-platform.js";
import type { Platform } from "./support/platform.js";
import { installedFile, work } from "./support/runtimes.js";
import { testPlatform } from "./support/test-platform.js";

const bun = installedFile("@oven/bun-linux-x64/bin/bun");
testPlatform(
  appPlatform({ name: "Bun", given: "Request, port number", missing: bun.missing }, () => ({
    program: bun.path,
    args: ["bun.mjs"],
  })),
);

const deno = installedFile("@deno/linux-x64-glibc/deno");
testPlatform(
  appPlatform({ name: "Deno", given: "Request, from 127.0.0.1", missing: deno.missing }, () => ({
    program: deno.path,
    args: ["run", "--allow-net", "--no-prompt", "--cached-only", "deno.mjs"],
    env: { DENO_DIR: join(work, "deno-dir") },
  })),
);

const workerd = installedFile("@cloudflare/workerd-linux-64/bin/workerd");
const workerdApp = appPlatform(
  { name: "workerd", given: "Request, hello from env, waitUntil function", missing: workerd.missing },
  () => ({
    program: process.execPath,
    args: ["workerd-host.mjs", join(work, "workerd-bundle.mjs")],
    env: { MINIFLARE_WORKERD_PATH: workerd.path },
  }),
);
const workerdPlatform: Platform = {
  ...workerdApp,
  async start() {
    await build({
      entryPoints: [join(work, "workerd.mjs")],
      outfile: join(work, "workerd-bundle.mjs"),
      bundle: true,
      format: "esm",
      platform: "neutral",
      logLevel: "silent",
    });
    return workerdApp.start();
  },
};
testPlatform(workerdPlatform);
