import { flushLines, LineBatch, Secrets } from "@durable-workflow/dispatcher/tools";
import type { CliIo } from "./command.js";
import type { StopSignals } from "./stop-signals.js";
import { palette, terminalText } from "./terminal-text.js";

/** Where text leaves, and what is known of the place. */
export interface TerminalStreams {
  readonly stdout: Output;
  readonly stderr: Pick<Output, "write">;
  readonly stdin: NodeJS.ReadableStream;
  /** The process's own, or a copy: variables are added to it. */
  readonly env: Record<string, string | undefined>;
  readonly cwd: string;
}

interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

const DEFAULT_COLUMNS = 80;

/** Ends what is written of a line, and empties it. */
const EMPTY_LINE = "\r\u001b[K";

/**
 * The one writer: whatever a command says passes through here. After it nothing that others wrote steers the terminal,
 * and no token that a command has read is shown. Colours only for a terminal, and never with NO_COLOR (https://no-color.org).
 */
export function terminalIo(
  { stdout, stderr, stdin, env, cwd }: TerminalStreams,
  signal: AbortSignal,
  lendTerminal: CliIo["lendTerminal"] = (work) => work(),
): CliIo {
  const isTty = stdout.isTTY === true;
  const hasColours = isTty && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  const secrets = new Secrets();
  const written = (text: string): string => terminalText(secrets.scrub(text));
  const batch = new LineBatch((lines) => void stdout.write(terminalText(lines)));
  /** Lines that wait come first. */
  const write = (stream: Pick<Output, "write">, text: string): void => {
    batch.flushSync();
    stream.write(text);
  };
  return {
    out: (text) => write(stdout, written(text)),
    err: (text) => write(stderr, written(text)),
    redraw: (line) => write(stdout, EMPTY_LINE + written(line)),
    // What a secret is may be forgotten by the time it is written.
    log: (line) => batch.write(secrets.scrub(line)),
    secrets,
    stdin,
    env,
    addEnv: (variables) => {
      for (const [name, value] of Object.entries(variables)) if (env[name] === undefined) env[name] = value;
    },
    cwd,
    isTty,
    get columns() {
      // 0 in terminals that do not know.
      return stdout.columns || DEFAULT_COLUMNS;
    },
    paint: palette(hasColours),
    signal,
    lendTerminal,
  };
}

/** The process as commands see it. */
export function processIo(process: NodeJS.Process, stop: StopSignals): CliIo {
  const { stdout, stderr, stdin, env } = process;
  // Whoever reads us may leave when it has seen enough, as `head` does.
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      throw error;
    });
  }
  return terminalIo({ stdout, stderr, stdin, env, cwd: process.cwd() }, stop.signal, (work) => stop.lend(work));
}

/** Ends the process once all is written. */
export function exitWritten(process: NodeJS.Process, code: number): void {
  flushLines();
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}
