import { existsSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";

const runtimes = inject("runtimes");

/** The folder of this run, with the apps. */
export const work = runtimes.missing === undefined ? runtimes.work : "";

/** A file among the installed packages, or why it is not there. */
export function installedFile(path: string): { readonly path: string; readonly missing: string | undefined } {
  if (runtimes.missing !== undefined) return { path: "", missing: runtimes.missing };
  const file = join(runtimes.modules, path);
  return { path: file, missing: existsSync(file) ? undefined : `${path} is not installed for this machine` };
}
