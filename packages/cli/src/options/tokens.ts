import { readToken } from "@durable-workflow/engine-protocol";
import { CliError, type CliIo, EXIT } from "../shell/command.js";

/**
 * A token as it is sent: without the white space around it, which files and variables end with. From now on the command
 * does not write it.
 *
 * @param source where it came from, for errors, which never hold the token
 * @throws {CliError} with exit code 78 for none, and for what no header can carry
 */
export function usableToken(value: string | undefined, source: string, { secrets }: Pick<CliIo, "secrets">): string {
  const { token, problem } = readToken(value);
  if (token !== undefined) {
    secrets.add(token);
    return token;
  }
  const what =
    problem === "not_set" ? "is not set" : "holds characters that no token has: spaces, line ends or non-ASCII";
  throw new CliError(EXIT.config, `${source} ${what}`);
}

/**
 * The token in the variable that an option names; undefined when it names none.
 *
 * @throws {CliError} for a variable that is not set, or holds what is no token
 */
export function namedToken(
  variable: string | undefined,
  io: Pick<CliIo, "env" | "secrets">,
  option = "--token-env",
): string | undefined {
  if (variable === undefined) return undefined;
  return usableToken(io.env[variable], `the environment variable ${variable}, named by ${option},`, io);
}
