import { join } from "node:path";
import { runProgram, startApp } from "./support/app.js";
import { overHttp } from "./support/http-connection.js";
import type { Platform } from "./support/platform.js";
import { installedFile, work } from "./support/runtimes.js";
import { testPlatform } from "./support/test-platform.js";

const node = installedFile("node-22/bin/node");
const next = installedFile("next/dist/bin/next");
const env = { NEXT_TELEMETRY_DISABLED: "1" };

/** Built once for both of its routers. */
let built: Promise<void> | undefined;

function platform(name: string, paths: { readonly tasks: string; readonly read: string }, given: string): Platform {
  const cwd = join(work, "next");
  return {
    name,
    given,
    missing: node.missing ?? next.missing,
    async start() {
      built ??= runProgram({ program: node.path, args: [next.path, "build"], cwd, env });
      await built;
      const args = [next.path, "start", "--hostname", "127.0.0.1", "--port", "0"];
      const app = await startApp({ program: node.path, args, cwd, env, listening: /http:\/\/127\.0\.0\.1:\d+/ });
      const at = (path: string): string => new URL(path, app.url).href;
      return overHttp(at(paths.tasks), at(paths.read), app.stop);
    },
  };
}

testPlatform(platform("Next.js, app", { tasks: "/tasks", read: "/read" }, "object, object"));
testPlatform(platform("Next.js, pages", { tasks: "/api/tasks", read: "/api/read" }, "/api/tasks, function"));
