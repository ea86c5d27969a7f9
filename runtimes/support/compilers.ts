import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { installedFile } from "./runtimes.js";

/** The versions of TypeScript that users of the packages compile with. */
export const COMPILERS = [
  { name: "5.6", ...installedFile("typescript-5.6/bin/tsc") },
  { name: "6", ...installedFile("typescript-6/bin/tsc6") },
  {
    name: "7",
    path: fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url)),
    missing: installedFile("express").missing,
  },
];

/** What a compiler says of the program in a folder; nothing where it fits. */
export function compile(compiler: string, folder: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8", cwd: folder });
  return stdout + stderr;
}
