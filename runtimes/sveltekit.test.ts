import { join } from "node:path";
import { runProgram, startApp } from "./support/app.js";
import { overHttp } from "./support/http-connection.js";
import type { Platform } from "./support/platform.js";
import { installedFile, work } from "./support/runtimes.js";
import { testPlatform } from "./support/test-platform.js";

const node = installedFile("node-24/bin/node");
const vite = installedFile("vite/bin/vite.js");

const platform: Platform = {
  name: "SvelteKit",
  given: "Request, /tasks",
  missing: node.missing ?? vite.missing ?? installedFile("@sveltejs/kit/package.json").missing,
  async start() {
    const cwd = join(work, "sveltekit");
    await runProgram({ program: node.path, args: [vite.path, "build"], cwd });
    const app = await startApp({
      program: node.path,
      args: ["build/index.js"],
      cwd,
      env: {
        HOST: "127.0.0.1",
        PORT: "0",
        // Above the carrier's own limit: 512 kB by default.
        BODY_SIZE_LIMIT: "32M",
      },
      listening: /Listening on/i,
    });
    const at = (path: string): string => new URL(path, app.url).href;
    return overHttp(at("/tasks"), at("/read"), app.stop);
  },
};

testPlatform(platform);
