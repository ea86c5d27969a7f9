import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { CliError, type CliIo, type CommandInput, type CommandOption, EXIT } from "../shell/command.js";
import { readTextFile } from "./text-file.js";
import { flag, textsOption } from "./values.js";

const DEFAULT_FILE = ".env";

/** Of commands that read one only where it is named. */
export const ENV_FILE_OPTION = {
  "env-file": {
    type: "string",
    multiple: true,
    value: "FILE",
    help: "read environment variables from a file; those that are set stay; may be given more than once",
  },
} as const satisfies Readonly<Record<string, CommandOption>>;

/** Of commands that run code of this folder, and read what lies beside it. */
export const ENV_FILES_OPTIONS = {
  "env-file": { ...ENV_FILE_OPTION["env-file"], help: `${ENV_FILE_OPTION["env-file"].help}; default ${DEFAULT_FILE}` },
  "no-env-file": { type: "boolean", help: `do not read ${DEFAULT_FILE}` },
} as const satisfies Readonly<Record<string, CommandOption>>;

/**
 * Reads the files of `--env-file`. Variables that are set already stay as they are; of two files the later one counts, as Node has it.
 *
 * @param byDefault whether the `.env` of the working directory is read where none is named: for commands that run code of
 *   that folder. For others, a file that happens to lie somewhere must not say where a token is sent
 * @returns the names of the files that were read
 * @throws {CliError} with exit code 78 for a file that cannot be read
 */
export async function readEnvFiles(
  input: CommandInput,
  io: CliIo,
  { byDefault }: { readonly byDefault: boolean },
): Promise<readonly string[]> {
  const named = textsOption(input, "env-file");
  const isOff = flag(input, "no-env-file");
  if (isOff && named.length > 0) {
    throw new CliError(EXIT.usage, "--env-file and --no-env-file exclude each other", "Give one of them.");
  }
  const readsByItself = byDefault && named.length === 0 && !isOff && existsSync(resolve(io.cwd, DEFAULT_FILE));
  const files = readsByItself ? [DEFAULT_FILE] : named;
  const variables: Record<string, string | undefined> = {};
  for (const file of files) Object.assign(variables, parseEnv(await readTextFile(file, io)));
  io.addEnv(variables);
  return files;
}
