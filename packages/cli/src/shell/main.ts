import { createRequire } from "node:module";
import { type ParseArgsConfig, parseArgs } from "node:util";
import {
  CliError,
  type CliIo,
  type Command,
  type CommandInput,
  EXIT,
  type ExitCode,
  type ListedCommand,
} from "./command.js";
import { COMMON_OPTIONS, commandHelp, overview } from "./help.js";
import { StoppedEarly } from "./stopped.js";
import { closest } from "./suggest.js";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/**
 * Runs the command that a command line names. Errors that were to be expected are printed without a stack trace: as text
 * to standard error, with `--json` as `{"error":{"code","message","hint"}}` to standard output. Never rejects.
 *
 * @param argv what follows the program's name
 */
export async function runCli(
  argv: readonly string[],
  io: CliIo,
  commands: readonly ListedCommand[],
): Promise<ExitCode> {
  // Also where the line is too broken to be parsed.
  const wantsJson = argv.slice(0, separatorOf(argv)).includes("--json");
  try {
    return await run(argv, io, commands, wantsJson);
  } catch (error) {
    return error instanceof StoppedEarly ? EXIT.ok : report(error, io, wantsJson);
  }
}

function separatorOf(argv: readonly string[]): number {
  const index = argv.indexOf("--");
  return index === -1 ? argv.length : index;
}

async function run(
  argv: readonly string[],
  io: CliIo,
  commands: readonly ListedCommand[],
  wantsJson: boolean,
): Promise<ExitCode> {
  const [name, ...rest] = argv;
  if (name === "--version") {
    io.out(wantsJson ? `${JSON.stringify({ version })}\n` : `${version}\n`);
    return EXIT.ok;
  }
  if (name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) {
    io.out(overview(await Promise.all(commands.map(({ load }) => load())), io.paint));
    return EXIT.ok;
  }
  if (name === undefined) throw new CliError(EXIT.usage, "no command was given", "dw-carrier --help lists them.");
  const command = await find(name === "help" ? (rest[0] ?? "") : name, commands).load();
  if (name === "help" || isHelpWanted(rest)) {
    io.out(commandHelp(command, io.paint));
    return EXIT.ok;
  }
  try {
    return await command.run(parse(command, rest), io);
  } catch (error) {
    throw withUsage(error, command);
  }
}

/** What a command line should be, where an error about it does not say what to do. */
function withUsage(error: unknown, { name, usage }: Command): unknown {
  if (!(error instanceof CliError) || error.exitCode !== EXIT.usage || error.hint !== undefined) return error;
  return new CliError(error.exitCode, error.message, `Usage: dw-carrier ${name} ${usage}; --help tells more.`);
}

function isHelpWanted(args: readonly string[]): boolean {
  return args.slice(0, separatorOf(args)).some((arg) => arg === "--help" || arg === "-h");
}

function find(name: string, commands: readonly ListedCommand[]): ListedCommand {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const names = commands.map((candidate) => candidate.name);
  const what = name.startsWith("-") ? "option" : "command";
  const meant = what === "command" ? closest(name, names) : undefined;
  throw new CliError(
    EXIT.usage,
    `there is no ${what} ${name}${what === "option" ? " before the command" : ""}`,
    meant === undefined ? "dw-carrier --help lists what there is." : `Did you mean ${meant}?`,
  );
}

function parse(command: Command, args: readonly string[]): CommandInput {
  const options = { ...command.options, ...COMMON_OPTIONS } as NonNullable<ParseArgsConfig["options"]>;
  try {
    const { values, positionals } = parseArgs({ args: completed(command, args), options, allowPositionals: true });
    const { json, ...own } = values;
    return { positionals, values: own, json: json === true };
  } catch (error) {
    throw badOption(error, command, args, options);
  }
}

/** Gives options that may stand alone the value that they then mean. */
function completed({ options }: Command, args: readonly string[]): string[] {
  const end = separatorOf(args);
  return args.map((arg, index) => {
    const name = arg.startsWith("--") && index < end ? arg.slice(2) : "";
    const { alone } = (Object.hasOwn(options, name) ? options[name] : undefined) ?? {};
    return alone === undefined ? arg : `${arg}=${alone}`;
  });
}

/** What is wrong with the value of an option that there is, and the fix where it is not its help; undefined for nothing. */
function misusedOption(
  token: OptionToken | OtherToken,
  options: NonNullable<ParseArgsConfig["options"]>,
): readonly [told: string, fix?: string] | undefined {
  if (token.kind !== "option") return undefined;
  const { rawName, name, value, inlineValue } = token;
  const takesOne = options[name]?.type === "string";
  if (!takesOne) return value === undefined ? undefined : [`${rawName} takes no value`];
  if (value === undefined) return [`${rawName} needs a value`];
  if (inlineValue !== false || !value.startsWith("-") || value === "-") return undefined;
  return [`${rawName} needs a value`, `One that begins with a dash is written with an equals sign: --${name}=${value}`];
}

function badOption(
  error: unknown,
  { name }: Command,
  args: readonly string[],
  options: NonNullable<ParseArgsConfig["options"]>,
): CliError {
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  const short = new Set(Object.values(options).map((option) => option.short));
  const unknown = tokens.find(
    (token) => token.kind === "option" && !Object.hasOwn(options, token.name) && !short.has(token.name),
  );
  const hint = `dw-carrier ${name} --help lists its options.`;
  if (unknown?.kind !== "option") {
    const [told, fix = hint] = tokens.map((token) => misusedOption(token, options)).find(Boolean) ?? [];
    const [sentence = "the options cannot be read"] = (error instanceof Error ? error.message : "").split("\n");
    return new CliError(EXIT.usage, told ?? sentence, fix);
  }
  const meant = closest(unknown.name, Object.keys(options));
  return new CliError(
    EXIT.usage,
    `${name} has no option ${unknown.rawName}`,
    meant === undefined ? hint : `Did you mean --${meant}?`,
  );
}

interface OptionToken {
  readonly kind: "option";
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

interface OtherToken {
  readonly kind: "positional" | "option-terminator";
}

const CODES: Readonly<Record<ExitCode, string>> = {
  [EXIT.ok]: "ok",
  [EXIT.failed]: "failed",
  [EXIT.usage]: "usage",
  [EXIT.unreachable]: "unreachable",
  [EXIT.config]: "config",
};

function report(error: unknown, io: CliIo, wantsJson: boolean): ExitCode {
  const expected = error instanceof CliError ? error : undefined;
  const exitCode = expected?.exitCode ?? EXIT.failed;
  const message = error instanceof Error ? error.message : String(error);
  const hint = expected?.hint ?? null;
  if (wantsJson) {
    const code = expected === undefined ? "internal" : CODES[exitCode];
    io.out(`${JSON.stringify({ error: { code, message, hint } })}\n`);
  } else {
    // Standard error may be a terminal where standard output is none, and the other way round: no colours.
    io.err(`dw-carrier: ${message}\n${hint === null ? "" : `${hint}\n`}`);
  }
  // A mistake of our own: whoever mends it needs to know where it was made.
  if (expected === undefined && error instanceof Error) io.err(`${error.stack ?? ""}\n`);
  return exitCode;
}
