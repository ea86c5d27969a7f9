import { CliError, type CommandInput, EXIT } from "../shell/command.js";

/** Readers of option values. Each throws a CliError (exit code 2) that names the option and what it takes. */

export function textOption({ values }: CommandInput, name: string): string | undefined {
  const value = values[name];
  if (typeof value !== "string") return undefined;
  if (value === "") throw new CliError(EXIT.usage, `--${name} must not be empty`);
  return value;
}

export function flag({ values }: CommandInput, name: string): boolean {
  return values[name] === true;
}

export interface Range {
  readonly least: number;
  readonly most: number;
}

export function integerOption(input: CommandInput, name: string, { least, most }: Range): number | undefined {
  const text = textOption(input, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new CliError(EXIT.usage, `--${name} must be a whole number from ${least} to ${most}, got ${text}`);
  }
  return value;
}

export const PORTS: Range = { least: 0, most: 65_535 };

/** A list of whole numbers, as in `0,1,5`. */
export function integersOption(input: CommandInput, name: string, range: Range): readonly number[] | undefined {
  const text = textOption(input, name);
  return text?.split(",").map((part) => {
    const value = Number(part);
    if (!/^\s*\d+\s*$/.test(part) || value < range.least || value > range.most) {
      const { least, most } = range;
      throw new CliError(
        EXIT.usage,
        `--${name} must be whole numbers separated by commas, as in 0,1,5, each from ${least} to ${most}; got ${text}`,
      );
    }
    return value;
  });
}

/** A comma-separated list of words. */
export function wordsOption(input: CommandInput, name: string): readonly string[] | undefined {
  const words = textOption(input, name)
    ?.split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  if (words?.length === 0) throw new CliError(EXIT.usage, `--${name} must name one at least, as in a,b`);
  return words;
}

/** The positional argument that a command cannot do without. */
export function positional({ positionals }: CommandInput, index: number, name: string): string {
  const value = positionals[index];
  if (value === undefined || value === "") throw new CliError(EXIT.usage, `${name} is missing`);
  return value;
}

/** @throws {CliError} when there are more positional arguments than the command has a use for */
export function atMost({ positionals }: CommandInput, count: number, hint?: string): void {
  if (positionals.length > count) {
    throw new CliError(EXIT.usage, `what is ${positionals[count]} for? There is one argument too many`, hint);
  }
}

const LONGEST_SECONDS = 86_400;

/** A number of seconds, fractions allowed, in milliseconds. */
export function secondsOption(input: CommandInput, name: string): number | undefined {
  const text = textOption(input, name);
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!/^\d+(?:\.\d+)?$/.test(text) || seconds <= 0 || seconds > LONGEST_SECONDS) {
    throw new CliError(EXIT.usage, `--${name} must be a number of seconds up to ${LONGEST_SECONDS}, got ${text}`);
  }
  return seconds * 1000;
}

/** The values of an option that can be given more than once. */
export function textsOption({ values }: CommandInput, name: string): readonly string[] {
  const given = values[name];
  return Array.isArray(given) ? given.filter((value): value is string => typeof value === "string") : [];
}

/** `NAME=VALUE`, split at the first `=`. */
export function pairsOption(input: CommandInput, name: string, form: string): ReadonlyMap<string, string> {
  const pairs = textsOption(input, name).map((text): [string, string] => {
    const at = text.indexOf("=");
    if (at < 1 || text.slice(at + 1).trim() === "") {
      throw new CliError(EXIT.usage, `--${name} must be ${form}, got ${text}`);
    }
    return [text.slice(0, at), text.slice(at + 1)];
  });
  return new Map(pairs);
}
