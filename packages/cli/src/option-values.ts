import { readToken } from "@durable-workflow/engine-protocol";
import { CliError, type CommandInput, EXIT } from "./command.js";

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
      throw new CliError(EXIT.usage, `--${name} must be whole numbers separated by commas, as in 0,1,5; got ${text}`);
    }
    return value;
  });
}

/** A comma-separated list of words. */
export function wordsOption(input: CommandInput, name: string): readonly string[] | undefined {
  return textOption(input, name)
    ?.split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
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

/**
 * A token as it is sent: without the white space around it, which files and variables end with.
 *
 * @param source where it came from, for errors, which never hold the token
 * @throws {CliError} with exit code 78 for none, and for what no header can carry
 */
export function usableToken(value: string | undefined, source: string): string {
  const { token, problem } = readToken(value);
  if (token !== undefined) return token;
  const what =
    problem === "not_set" ? "is not set" : "holds characters that no token has: spaces, line ends or non-ASCII";
  throw new CliError(EXIT.config, `${source} ${what}`);
}
