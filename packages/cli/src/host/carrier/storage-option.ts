import { resolve } from "node:path";
import type { ExternalStorageDriver } from "@durable-workflow/carrier/storage";
import { LocalFilesystemExternalStorage } from "@durable-workflow/carrier/storage/local";
import { DEFAULT_DATA_FOLDER } from "../../engine/dev-state.js";
import { textOption } from "../../options/values.js";
import { CliError, type CliIo, type CommandInput, type CommandOption, EXIT } from "../../shell/command.js";

export const STORAGE_OPTION = {
  storage: {
    type: "string",
    value: "local[:DIR]",
    help: `keep large payloads in files of a folder, default ${DEFAULT_DATA_FOLDER}/payloads`,
  },
} as const satisfies Readonly<Record<string, CommandOption>>;

/**
 * The folder that the option names.
 *
 * @throws {CliError} for storage that there is not
 */
export function storageRootOf(input: CommandInput, { cwd }: Pick<CliIo, "cwd">): string | undefined {
  const given = textOption(input, "storage");
  if (given === undefined) return undefined;
  const [, folder] = /^local(?::(.+))?$/.exec(given) ?? [undefined, null];
  if (folder === null) throw new CliError(EXIT.usage, `--storage must be local or local:DIR, got ${given}`);
  return resolve(cwd, folder ?? `${DEFAULT_DATA_FOLDER}/payloads`);
}

/** @throws {CliError} for storage that there is not */
export function storageOf(input: CommandInput, io: Pick<CliIo, "cwd">): ExternalStorageDriver | undefined {
  const root = storageRootOf(input, io);
  return root === undefined ? undefined : new LocalFilesystemExternalStorage({ root });
}
