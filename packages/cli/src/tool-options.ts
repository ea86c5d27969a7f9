import { CliError, type CliIo, type CommandInput, type CommandOption, EXIT } from "./command.js";
import { textOption, usableToken } from "./option-values.js";

/** The credential for a carrier. */
export const CARRIER_TOKEN_OPTIONS = {
  token: {
    type: "string",
    value: "TOKEN",
    help: "bearer token for the carrier; others on this machine can see it: --token-env is better",
  },
  "token-env": { type: "string", value: "NAME", help: "environment variable that holds the token" },
} as const satisfies Readonly<Record<string, CommandOption>>;

/**
 * The token of `--token` or `--token-env`; undefined when neither is given.
 *
 * @throws {CliError} that names the option, and never the token
 */
export function carrierToken(input: CommandInput, io: Pick<CliIo, "env" | "secrets">): string | undefined {
  const token = textOption(input, "token");
  const variable = textOption(input, "token-env");
  if (token !== undefined && variable !== undefined) {
    throw new CliError(EXIT.usage, "--token and --token-env both name a token", "Give one of them.");
  }
  return token === undefined ? namedToken(variable, io) : usableToken(token, "--token", io);
}

/**
 * The token in the variable that `--token-env` names; undefined when it names none.
 *
 * @throws {CliError} for a variable that is not set, or holds what is no token
 */
export function namedToken(variable: string | undefined, io: Pick<CliIo, "env" | "secrets">): string | undefined {
  if (variable === undefined) return undefined;
  return usableToken(io.env[variable], `the environment variable ${variable}, named by --token-env,`, io);
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

/**
 * The URL of a carrier.
 *
 * @throws {CliError} for what no task can be sent to, or what would put a password into reports
 */
export function carrierUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new CliError(EXIT.usage, `URL must be of http or https, got ${text}`, "As in http://127.0.0.1:8080/");
  }
  if (url.username !== "" || url.password !== "") {
    throw new CliError(
      EXIT.usage,
      "URL must not hold a user name or password",
      "Give the credential with --token-env.",
    );
  }
  return url;
}
