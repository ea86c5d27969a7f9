import { type ClientError, type ClientErrorCode, isClientError } from "@durable-workflow/client";
import { CliError, EXIT, type ExitCode } from "../shell/command.js";
import { cut } from "../shell/terminal-text.js";
import type { EngineConnection } from "./connection.js";

/** An answer may be long, a sentence is not. */
const LONGEST_REASON = 2_000;

/** There is no such activity, or it is over. */
export class NotActive extends CliError {}

const CODES: Readonly<Record<ClientErrorCode, ExitCode>> = {
  unreachable: EXIT.unreachable,
  start_unknown: EXIT.unreachable,
  not_an_engine: EXIT.unreachable,
  server_error: EXIT.unreachable,
  storage_refused: EXIT.unreachable,
  unauthorized: EXIT.config,
  forbidden: EXIT.config,
  invalid: EXIT.usage,
  unsupported_version: EXIT.usage,
  already_running: EXIT.usage,
  id_taken: EXIT.usage,
  payload_too_large: EXIT.usage,
  rate_limited: EXIT.failed,
  queue_draining: EXIT.failed,
  refused: EXIT.failed,
  not_found: EXIT.failed,
  payload_invalid: EXIT.failed,
  payload_unavailable: EXIT.failed,
  run_replaced: EXIT.failed,
  wait_timeout: EXIT.failed,
  closed: EXIT.failed,
};

const OPERATOR =
  "It wants an operator's token: put it into DURABLE_WORKFLOW_AUTH_TOKEN, or name its variable with --token-env.";
const MAY_HAVE_ACTED =
  "It may have done all the same what was asked: dw-carrier list shows the activities that it has.";

/** What whoever gets an error of this code can do; else the question that ends the client's own sentence. */
const HINTS: Partial<Readonly<Record<ClientErrorCode, string>>> = {
  not_an_engine: "Is this the address of an engine, and no proxy in between?",
  unauthorized: OPERATOR,
  forbidden: OPERATOR,
  already_running: "dw-carrier show tells how it stands; with another --id, one starts beside it.",
  unsupported_version: "dw-carrier doctor says what the engine speaks.",
  queue_draining: "dw-carrier resume lets a queue of a local engine take activities again.",
  not_found: "dw-carrier list shows those that it has.",
  storage_refused: "dw-carrier doctor says more.",
  payload_too_large: "Pass where the data is, not the data.",
  payload_invalid: "Something between here and the engine changes its answers.",
};

/** @throws {CliError} (as a rejection) for errors of the client */
export async function asCliErrors<T>(connection: Pick<EngineConnection, "source">, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isClientError(error)) throw error;
    throw cliErrorOf(error, connection);
  }
}

function cliErrorOf(error: ClientError, { source }: Pick<EngineConnection, "source">): CliError {
  const { code, cause, reason = "" } = error;
  // What the client says of it speaks of its handles; of what it tried last, only why that failed is of interest.
  const told =
    code === "start_unknown" && isClientError(cause)
      ? error.message.replace(/: .*/s, () => cause.message.replace(/^.*?: /, ": "))
      : error.message;
  const { 1: said = told, 2: question } = /^(.*?)\.? (Is [^.?]*\?)$/s.exec(told) ?? [];
  const isNew = source === "default" && !error.mayHaveActed;
  const hint =
    code === "unreachable" && isNew
      ? "dw-carrier dev FILE runs an engine here; --server URL or DURABLE_WORKFLOW_SERVER_URL names another."
      : (HINTS[code] ?? (error.mayHaveActed ? MAY_HAVE_ACTED : question));
  // These tell the storage's limits apart, and which of them may pass.
  const isPayload = reason.startsWith("external_payload_");
  const exitCode = isPayload && error.retryable ? EXIT.unreachable : CODES[code];
  const Kind = code === "not_found" ? NotActive : CliError;
  return new Kind(exitCode, `${cut(said, LONGEST_REASON)}${isPayload ? ` (${reason})` : ""}`, hint);
}
