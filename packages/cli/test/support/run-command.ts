import { Readable } from "node:stream";
import { parseArgs } from "node:util";
import { CliError, type CliIo, type Command } from "../../src/command.js";

export interface CommandRun {
  readonly code: number;
  /** Standard output and standard error. */
  readonly out: string;
  readonly err: string;
  /** Standard output, parsed. */
  json(): unknown;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
}

const plain = (text: string): string => text;

/** Runs a command as the program does: options parsed, expected errors as a message and an exit code. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandRun> {
  let out = "";
  let err = "";
  const io: CliIo = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    stdin: Readable.from([Buffer.from(options.stdin ?? "")]),
    env: options.env ?? {},
    cwd: options.cwd ?? process.cwd(),
    isTty: false,
    columns: 80,
    paint: { bold: plain, dim: plain, green: plain, yellow: plain, red: plain, cyan: plain },
    signal: options.signal ?? new AbortController().signal,
  };
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { ...command.options, json: { type: "boolean" } },
    allowPositionals: true,
  });
  const { json, ...own } = values;
  let code: number;
  try {
    code = await command.run({ positionals, values: own, json: json === true }, io);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    err += `${error.message}\n${error.hint ?? ""}\n`;
    code = error.exitCode;
  }
  return { code, out, err, json: () => JSON.parse(out) as unknown };
}
