import { Readable } from "node:stream";
import { commands } from "../../src/commands/index.js";
import { runCli } from "../../src/shell/main.js";
import { terminalIo } from "../../src/shell/terminal.js";
import type { Finished, RunOptions } from "./cli.js";

/** A command line as the binary runs it, in this process. */
export async function runHere(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const said = { stdout: "", stderr: "" };
  const io = terminalIo(
    {
      stdout: { write: (text) => (said.stdout += text) },
      stderr: { write: (text) => (said.stderr += text) },
      stdin: Readable.from([Buffer.from(options.stdin ?? "")]),
      env: { DW_CONFIG_HOME: "/nowhere", ...options.env },
      cwd: options.cwd ?? process.cwd(),
    },
    new AbortController().signal,
  );
  return { code: await runCli(args, io, commands), ...said };
}
