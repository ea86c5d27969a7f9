import type { Command, CommandOption, Palette } from "./command.js";

/** Options that every command has. */
export const COMMON_OPTIONS = {
  json: { type: "boolean", help: "print JSON in place of text: one object, or one on each line" },
  help: { type: "boolean", short: "h", help: "show this" },
} as const satisfies Readonly<Record<string, CommandOption>>;

const EXIT_CODES = `Exit codes
  0   ok
  1   what was run or checked failed
  2   the command line makes no sense
  69  a server, engine or carrier could not be reached
  78  a config, module or file is not what it should be`;

/** What `dw-carrier --help` says. */
export function overview(commands: readonly Command[], { bold }: Palette): string {
  const list = columns(commands.map(({ name, summary }) => [name, summary]));
  return `${bold("dw-carrier")}: runs Durable Workflow activities written in TypeScript or JavaScript

Usage: dw-carrier COMMAND [OPTIONS]

${bold("Commands")}
${list}

${bold("Options")}
${columns([
  ["--help, -h", "show this, or the help of a command: dw-carrier COMMAND --help"],
  ["--version", "show the version"],
])}

${EXIT_CODES}

${bold("Example")}
  dw-carrier dev activities.ts
      runs an engine, and the activities that the file exports, on this machine
`;
}

/** What `dw-carrier COMMAND --help` says. */
export function commandHelp(command: Command, { bold, dim }: Palette): string {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS }) as [string, CommandOption][];
  const examples = command.examples.map(({ line, what }) => `  ${line}\n      ${dim(what)}`).join("\n");
  return `${command.summary}

Usage: dw-carrier ${command.name} ${command.usage}

${command.description}

${bold("Options")}
${columns(options.map(([name, option]) => [spelling(name, option), option.help]))}

${bold(command.examples.length === 1 ? "Example" : "Examples")}
${examples}

${EXIT_CODES}
`;
}

function spelling(name: string, { short, value }: CommandOption): string {
  // A value in brackets follows its option directly.
  const taken = value === undefined ? "" : value.startsWith("[") ? value : ` ${value}`;
  return `--${name}${taken}${short === undefined ? "" : `, -${short}`}`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join("\n");
}
