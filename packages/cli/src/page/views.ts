import type { ActionOutcome, ActionRequest, ApiError, Views } from "@durable-workflow/inspector";
import type { EngineConnection } from "../engine/connection.js";
import { HttpClient } from "../net/http-client.js";
import { parseJsonArguments } from "../options/json-arguments.js";
import { CliError, type CliIo, EXIT, type ExitCode } from "../shell/command.js";
import { engineTransport } from "./engine-transport.js";
import { explain } from "./page.js";

/** The page's views of an engine, for commands and tools. Loaded late. */
export async function viewsOf(connection: EngineConnection, io: Pick<CliIo, "env">): Promise<Views> {
  const { createViews } = await import("@durable-workflow/inspector");
  return createViews({
    transport: engineTransport(connection, new HttpClient(io)),
    engineUrl: connection.url,
    namespace: connection.namespace,
    servedBy: "ui",
    parseArguments: parseJsonArguments,
    explain,
  });
}

/**
 * Does one thing.
 *
 * @throws {CliError} for what the engine refuses too
 */
export async function actOn(
  connection: EngineConnection,
  io: Pick<CliIo, "env">,
  request: ActionRequest,
): Promise<ActionOutcome> {
  const views = await viewsOf(connection, io);
  const outcome = await asCliError(() => views.act(request));
  if (outcome.error === null) return outcome;
  throw new CliError(EXIT.failed, outcome.error.message, outcome.error.hint ?? undefined);
}

const CODES: Partial<Readonly<Record<ApiError["error"]["code"], ExitCode>>> = {
  bad_request: EXIT.usage,
  unauthorized: EXIT.config,
  engine_unreachable: EXIT.unreachable,
  engine_error: EXIT.unreachable,
};

/** What a view or an action is refused for, as a command says it. */
export async function asCliError<T>(work: () => Promise<T>): Promise<T> {
  const { Problem } = await import("@durable-workflow/inspector");
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // What the page says of itself there is nothing for who waits for no page.
    const hint = error.code === "engine_unreachable" ? "dw-carrier doctor says more." : (error.hint ?? undefined);
    throw new CliError(CODES[error.code] ?? EXIT.failed, error.message, hint);
  }
}
