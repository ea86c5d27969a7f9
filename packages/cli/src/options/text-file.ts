import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { fileTrouble } from "@durable-workflow/dispatcher/tools";
import { CliError, type CliIo, EXIT } from "../shell/command.js";
import { stopped } from "../shell/stopped.js";

/** How what was read is called, and what a problem with it is. */
export interface TextSource {
  /** As in `the file args.json`; told in errors. */
  readonly name: string;
  readonly exitCode: typeof EXIT.config | typeof EXIT.usage;
}

/**
 * The text of a file, or of standard input for `-`: UTF-8, with or without a byte order mark. All text that commands read
 * is read here.
 *
 * @throws {CliError} with exit code 78, or the source's, for a file that cannot be read, for what is not UTF-8, and where the
 * command is stopped before standard input ends
 */
export async function readTextFile(
  file: string,
  { stdin, cwd, signal }: Pick<CliIo, "stdin" | "cwd" | "signal">,
  source: TextSource = { name: file === "-" ? "standard input" : file, exitCode: EXIT.config },
): Promise<string> {
  const { name, exitCode } = source;
  let bytes: Uint8Array | undefined;
  try {
    bytes = file === "-" ? await untilStopped(buffer(stdin), signal) : await readFile(resolve(cwd, file));
  } catch (error) {
    throw new CliError(exitCode, `${name} cannot be read: ${fileTrouble(error)}`);
  }
  if (bytes === undefined) throw new CliError(exitCode, `${name} has not ended, and the command was stopped`);
  const text = decodeText(bytes);
  if (text !== undefined) return text;
  throw new CliError(exitCode, `${name} is not UTF-8`, "Save it as UTF-8: what cannot be read is not guessed.");
}

/** Undefined where the signal comes first: a stream cannot be told to stop in the middle of a wait. */
async function untilStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const stop = stopped(signal).then(() => undefined);
  return await Promise.race([work, stop]);
}

/** The text of a file; undefined for one that cannot be read, and for what is not UTF-8. */
export async function textOf(path: string): Promise<string | undefined> {
  try {
    return decodeText(await readFile(path));
  } catch {
    return undefined;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** The text that bytes of UTF-8 are, without a byte order mark; undefined for what is not UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}
