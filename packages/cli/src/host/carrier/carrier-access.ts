import { bearerToken, type InvocableAuthGate } from "@durable-workflow/carrier";
import { isLoopbackHost } from "@durable-workflow/engine-protocol/executor-config";
import { namedToken, usableToken } from "../../options/tokens.js";
import { flag, textOption } from "../../options/values.js";
import { CliError, type CliIo, type CommandInput, EXIT } from "../../shell/command.js";

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
export function carrierAccess(input: CommandInput, host: string, io: Pick<CliIo, "env" | "secrets">): CarrierAccess {
  const named = textOption(input, "token-env");
  const token = named === undefined ? usualToken(io) : namedToken(named, io);
  if (token !== undefined) return { auth: bearerToken(token), variable: named ?? VARIABLE };
  if (!isLoopbackHost(host.includes(":") ? `[${host}]` : host) && !flag(input, "insecure")) {
    throw new CliError(
      EXIT.usage,
      `${host} can be reached by others, and without a token they could run the activities`,
      `Put a token into ${VARIABLE} (or name its variable with --token-env), listen on 127.0.0.1, or say --insecure.`,
    );
  }
  return { auth: undefined, variable: undefined };
}

/** A variable that holds nothing but white space was meant to hold a token: it does not open the door. */
function usualToken(io: Pick<CliIo, "env" | "secrets">): string | undefined {
  const value = io.env[VARIABLE];
  return value === undefined || value === "" ? undefined : usableToken(value, VARIABLE, io);
}
