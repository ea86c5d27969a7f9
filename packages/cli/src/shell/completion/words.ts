import type { Command, CommandOption } from "../command.js";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** A command, as far as a shell has to know it. */
export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWords[];
  /** What its positional arguments can be: files, or some of these words. */
  readonly positionals: "files" | readonly string[];
}

export interface OptionWords {
  readonly name: string;
  readonly short: string | undefined;
  readonly help: string;
  /** How its value is called; undefined for an option without one. */
  readonly value: string | undefined;
  readonly takesFile: boolean;
  readonly repeats: boolean;
}

const COMMON: Readonly<Record<string, CommandOption>> = {
  json: { type: "boolean", help: "print JSON in place of text" },
  help: { type: "boolean", short: "h", help: "show help" },
};

export function commandWords(command: Command): CommandWords {
  const { name, summary, usage, options } = command;
  return {
    name,
    summary,
    options: Object.entries({ ...options, ...COMMON }).map(([option, given]) => optionWords(option, given)),
    positionals: positionalsOf(usage),
  };
}

function optionWords(name: string, { type, short, help, value, multiple }: CommandOption): OptionWords {
  return {
    name,
    short,
    help,
    value: type === "string" ? (value ?? "VALUE") : undefined,
    takesFile: isFile(value ?? ""),
    repeats: multiple === true,
  };
}

function isFile(word: string): boolean {
  return /\b(?:FILE|DIR|PATH|MODULE)\b/.test(word);
}

/** A usage line names files in capitals, and words to choose from in small letters: `bash|zsh|fish`. */
function positionalsOf(usage: string): CommandWords["positionals"] {
  if (isFile(usage)) return "files";
  return /^[a-z]+(?:\|[a-z]+)+$/.test(usage) ? usage.split("|") : [];
}
