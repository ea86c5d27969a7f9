import { type AppCommand, startApp } from "./app.js";
import { overHttp } from "./http-connection.js";
import type { Platform } from "./platform.js";
import { work } from "./runtimes.js";

/** A platform that is a program which says where it listens. */
export function appPlatform(
  { name, given, missing }: Pick<Platform, "name" | "given" | "missing">,
  command: () => Omit<AppCommand, "cwd"> & { readonly cwd?: string },
): Platform {
  return {
    name,
    given,
    missing,
    async start() {
      const app = await startApp({ cwd: work, ...command() });
      return overHttp(app.url, app.readUrl, app.stop);
    },
  };
}
