import type { ParseArgsConfig } from "node:util";
import type { Secrets } from "@durable-workflow/dispatcher/tools";

/** What a command exits with; documented, and stable. */
export const EXIT = {
  ok: 0,
  /** The thing that was checked, invoked or run failed. */
  failed: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** A server, engine or carrier could not be reached. */
  unreachable: 69,
  /** A config, module or file is not what it should be. */
  config: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a message in place of a stack trace: for everything that was to be expected. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;
  /** What to do about it; printed below the message. */
  readonly hint: string | undefined;

  constructor(exitCode: ExitCode, message: string, hint?: string) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Wraps text in an ANSI style, or leaves it alone where there is no terminal. */
type Paint = (text: string) => string;

export interface Palette {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly red: Paint;
  readonly cyan: Paint;
}

/** All that a command touches of the outside, so that tests can bring their own. */
export interface CliIo {
  /** Writes to standard output: what the command is for. */
  out(text: string): void;
  /**
   * Writes a line of many to standard output, its line feed included: those that come within 5 ms are written together, in their
   * order and before whatever is written otherwise. What a process may not live to write goes through `out`.
   */
  log(line: string): void;
  /** Replaces the line that was written last and not ended. For a terminal only; `line` has no line feed. */
  redraw(line: string): void;
  /** Writes to standard error: progress, warnings, errors. */
  err(text: string): void;
  readonly stdin: NodeJS.ReadableStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Sets variables of the environment that are not set, for the command and for what runs in its process. */
  addEnv(variables: Readonly<Record<string, string | undefined>>): void;
  readonly cwd: string;
  /** Whether standard output is a terminal. */
  readonly isTty: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  /** What is never written, wherever it comes from: carriers and engines may echo the token that they were sent. */
  readonly secrets: Secrets;
  /** Plain text unless standard output is a terminal and NO_COLOR is not set. */
  readonly paint: Palette;
  /** Aborted at the first SIGINT or SIGTERM: stop, and clean up. */
  readonly signal: AbortSignal;
  /** Does what gives the terminal to another program, as to an editor: Ctrl-C is meant for that meanwhile, and does not stop the command. */
  lendTerminal<T>(work: () => Promise<T>): Promise<T>;
}

/** A command line, parsed by `node:util`'s `parseArgs`. */
export interface CommandInput {
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;
  /** `--json`: one object, or JSON lines, in place of text. Every command has it. */
  readonly json: boolean;
}

/** One command of `dw-carrier`. Files in `commands/` each export one. */
export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What follows the name, as in `URL TYPE [ARGS]`. */
  readonly usage: string;
  /** Options beyond `--help` and `--json`, for `parseArgs`, each with the line that `--help` has for it. */
  readonly options: Readonly<Record<string, CommandOption>>;
  /** Paragraphs for `--help`, below the options. */
  readonly description: string;
  /** At least one, for `--help`: a command line and what it does. */
  readonly examples: readonly { readonly line: string; readonly what: string }[];
  /** @throws {CliError} for what was to be expected */
  run(input: CommandInput, io: CliIo): Promise<ExitCode>;
}

/** A command that is there, and is not loaded before it is asked for. */
export interface ListedCommand {
  readonly name: string;
  readonly load: () => Promise<Command>;
}

type ParseArgsOption = NonNullable<ParseArgsConfig["options"]>[string];

export type CommandOption = ParseArgsOption & {
  readonly help: string;
  /** Shown after the option, as in `--port NUMBER`. */
  readonly value?: string;
  /** What an option with a value means when it stands alone, as `--inspect` does; its value then follows `=`. */
  readonly alone?: string;
};
