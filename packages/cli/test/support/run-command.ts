import { Readable } from "node:stream";
import { parseArgs } from "node:util";
import { CliError, type Command } from "../../src/shell/command.js";
import { terminalIo } from "../../src/shell/terminal.js";

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

/** Runs a command as the program does: options parsed, expected errors as a message and an exit code. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandRun> {
  let out = "";
  let err = "";
  const io = terminalIo(
    {
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
      stdin: Readable.from([Buffer.from(options.stdin ?? "")]),
      env: { ...options.env },
      cwd: options.cwd ?? process.cwd(),
    },
    options.signal ?? new AbortController().signal,
  );
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
    io.err(`${error.message}\n${error.hint ?? ""}\n`);
    code = error.exitCode;
  }
  return { code, out, err, json: () => JSON.parse(out) as unknown };
}
