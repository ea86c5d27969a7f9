import { bearerToken, type InvocableAuthGate } from "@durable-workflow/carrier";
import { isLoopbackHost } from "@durable-workflow/engine-protocol/executor-config";
import { CliError, type CliIo, type CommandInput, EXIT } from "../command.js";
import { tokenFromEnvironment } from "../engine/connection.js";
import { flag, textOption } from "../option-values.js";

const VARIABLE = "DW_CARRIER_TOKEN";

export interface CarrierAccess {
  readonly auth: InvocableAuthGate | undefined;
  /** The environment variable that the token came from; undefined where everybody may send tasks. */
  readonly variable: string | undefined;
}

/**
 * Who may send tasks to a carrier.
 *
 * @throws {CliError} for an address that others can reach without a token, and a token that no header could carry
 */
export function carrierAccess(input: CommandInput, host: string, env: CliIo["env"]): CarrierAccess {
  const named = textOption(input, "token-env");
  const token = tokenFromEnvironment(named, "token-env", env) ?? (env[VARIABLE] === "" ? undefined : env[VARIABLE]);
  if (token !== undefined) {
    const variable = named ?? VARIABLE;
    try {
      return { auth: bearerToken(token), variable };
    } catch (error) {
      throw new CliError(EXIT.config, `the token in ${variable} cannot be used: ${(error as Error).message}`);
    }
  }
  if (!isLoopbackHost(host.includes(":") ? `[${host}]` : host) && !flag(input, "insecure")) {
    throw new CliError(
      EXIT.usage,
      `${host} can be reached by others, and without a token they could run the activities`,
      `Put a token into ${VARIABLE} (or name its variable with --token-env), listen on 127.0.0.1, or say --insecure.`,
    );
  }
  return { auth: undefined, variable: undefined };
}
