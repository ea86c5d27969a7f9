import type { EngineHeartbeatOptions } from "@durable-workflow/carrier/heartbeat";
import { usableToken } from "../options/tokens.js";
import { CliError, type CliIo, EXIT } from "../shell/command.js";
import type { EngineConnection } from "./connection.js";

/** What an engine without tokens is told: it does not look. */
const NO_TOKEN = "none";

/** How a carrier's heartbeats reach the engine of a connection. */
export function heartbeatsTo({
  url,
  token,
  namespace,
}: Pick<EngineConnection, "url" | "token" | "namespace">): EngineHeartbeatOptions {
  return { serverUrl: url, token: token ?? NO_TOKEN, namespace };
}

/**
 * How the heartbeats of `serve` reach the engine: undefined, and nowhere, unless the environment says where it is.
 *
 * @throws {CliError} for an address that is none
 */
export function serveHeartbeats(io: Pick<CliIo, "env" | "secrets">): EngineHeartbeatOptions | undefined {
  const { env } = io;
  const url = env["DURABLE_WORKFLOW_SERVER_URL"];
  const token = env["DURABLE_WORKFLOW_AUTH_TOKEN"];
  const namespace = env["DURABLE_WORKFLOW_NAMESPACE"];
  if (url === undefined || url === "") return undefined;
  if (!URL.canParse(url))
    throw new CliError(EXIT.config, "DURABLE_WORKFLOW_SERVER_URL must be the engine's http or https URL");
  const usable = token?.trim() ? usableToken(token, "DURABLE_WORKFLOW_AUTH_TOKEN", io) : undefined;
  return heartbeatsTo({ url, token: usable, namespace: namespace || "default" });
}
