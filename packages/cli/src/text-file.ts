import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { CliError, type CliIo, EXIT } from "./command.js";

/**
 * The text of a file, or of standard input for `-`.
 *
 * @throws {CliError} with exit code 78
 */
export async function readTextFile(file: string, { stdin, cwd }: Pick<CliIo, "stdin" | "cwd">): Promise<string> {
  if (file === "-") return readAll(stdin);
  try {
    return await readFile(resolve(cwd, file), "utf8");
  } catch (error) {
    throw new CliError(EXIT.config, `${file} cannot be read (${errorCode(error)})`);
  }
}

/** `ENOENT` and the like. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
