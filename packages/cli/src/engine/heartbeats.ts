import type { EngineHeartbeatOptions } from "@durable-workflow/carrier/heartbeat";
import { usableToken } from "../options/tokens.js";
import { CliError, type CliIo, EXIT } from "../shell/command.js";
import { devEngine, type EngineConnection, engineOf, NO_TOKEN } from "./connection.js";

/** How a carrier's heartbeats reach the engine of a connection. */
export function heartbeatsTo({
  url,
  token,
  namespace,
}: Pick<EngineConnection, "url" | "token" | "namespace">): EngineHeartbeatOptions {
  return { serverUrl: url, token: token ?? NO_TOKEN, namespace };
}

/**
 * How the heartbeats of `serve` reach the engine: as the environment says, else that of the `dw-carrier dev` or
 * `dw-carrier engine` that runs here; undefined, and nowhere, where there is none.
 *
 * @throws {CliError} for an address that is none
 */
export async function serveHeartbeats(
  io: Pick<CliIo, "env" | "cwd" | "err" | "secrets">,
): Promise<EngineHeartbeatOptions | undefined> {
  const { env } = io;
  const url = env["DURABLE_WORKFLOW_SERVER_URL"];
  const token = env["DURABLE_WORKFLOW_AUTH_TOKEN"];
  const namespace = env["DURABLE_WORKFLOW_NAMESPACE"];
  if (url === undefined || url === "") {
    const dev = await devEngine(undefined, io);
    return dev === undefined ? undefined : heartbeatsTo(engineOf(dev));
  }
  if (!URL.canParse(url))
    throw new CliError(EXIT.config, "DURABLE_WORKFLOW_SERVER_URL must be the engine's http or https URL");
  const usable = token?.trim() ? usableToken(token, "DURABLE_WORKFLOW_AUTH_TOKEN", io) : undefined;
  return heartbeatsTo({ url, token: usable, namespace: namespace || "default" });
}
