import { isLoopbackHost } from "@durable-workflow/engine-protocol/executor-config";
import type { TokenOptions } from "@durable-workflow/local-engine";
import { CliError, type CliIo, type CommandInput, type CommandOption, EXIT } from "../shell/command.js";
import { namedToken } from "./tokens.js";
import { textOption } from "./values.js";

/** Tokens are never on the command line, where the machine's other users could read them. */
export const ENGINE_TOKEN_OPTIONS = {
  "worker-token-env": {
    type: "string",
    value: "VARIABLE",
    help: "environment variable that holds the token of workers; needs --operator-token-env",
  },
  "operator-token-env": {
    type: "string",
    value: "VARIABLE",
    help: "environment variable that holds the token of clients, which start activities; needs --worker-token-env",
  },
  "admin-token-env": {
    type: "string",
    value: "VARIABLE",
    help: "environment variable that holds the token of who may do everything; default: nobody may",
  },
} as const satisfies Readonly<Record<string, CommandOption>>;

/**
 * The tokens of an engine; undefined when it has none, and whoever reaches it may do everything.
 *
 * @throws {CliError} for an address that others can reach without tokens, for half of the tokens, and for unusable ones
 */
export function engineTokens(
  input: CommandInput,
  host: string,
  io: Pick<CliIo, "env" | "secrets">,
): TokenOptions | undefined {
  const tokenOf = (option: keyof typeof ENGINE_TOKEN_OPTIONS): string | undefined =>
    namedToken(textOption(input, option), io, `--${option}`);
  const workerToken = tokenOf("worker-token-env");
  const operatorToken = tokenOf("operator-token-env");
  const adminToken = tokenOf("admin-token-env");
  if (workerToken !== undefined && operatorToken !== undefined) {
    return { workerToken, operatorToken, ...(adminToken !== undefined && { adminToken }) };
  }
  const both = "Name their variables with --worker-token-env and --operator-token-env.";
  if ((workerToken ?? operatorToken ?? adminToken) !== undefined) {
    throw new CliError(EXIT.usage, "an engine with tokens needs one for workers and one for operators", both);
  }
  if (isLoopbackHost(host.includes(":") ? `[${host}]` : host)) return undefined;
  const told = `${host} can be reached by others, and without tokens they could start and read activities`;
  throw new CliError(EXIT.usage, told, `${both} Or listen on 127.0.0.1.`);
}
