import { CliError, type CliIo, type CommandInput, type CommandOption, EXIT } from "../shell/command.js";
import { namedToken, usableToken } from "./tokens.js";
import { textOption } from "./values.js";

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
