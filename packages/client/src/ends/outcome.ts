import { ClientError } from "../errors/client-error.js";
import type { ActivityDescription, ActivityHandle, ActivityOutcome, RemoteFailure } from "../handle.js";
import type { Scope } from "../scope.js";
import type { Engine } from "../wire/engine.js";
import { type RunEnd, runEndOf } from "./history.js";

/** What reads an end. */
interface Readers {
  readonly engine: Engine;
  readonly payloads: {
    incoming(envelope: unknown, handle: ActivityHandle<unknown>, scope: Scope): Promise<unknown>;
  };
}

/**
 * How an activity ended: its newest run that did not complete, or the run of a handle, whatever came after it.
 *
 * @throws {ClientError} `run_replaced` where nothing can be read of a run that is not the newest
 */
export function outcomeOf<Result>(
  readers: Readers,
  handle: ActivityHandle<Result>,
  description: ActivityDescription,
  scope: Scope,
): Promise<ActivityOutcome<Result>> {
  const isNewest = handle.runId === undefined || handle.runId === description.runId;
  return isNewest ? unwell(readers, handle, description, scope) : replaced(readers, handle, scope);
}

/** An error for a handle whose run is not the newest. */
export function runReplaced(handle: ActivityHandle<unknown>, cause?: ClientError): ClientError {
  const told = `the activity ${handle.activityId} has a newer run, and of the run ${handle.runId} nothing can be read`;
  return new ClientError("run_replaced", told, { handle, ...(cause !== undefined && { cause }) });
}

async function unwell(
  readers: Readers,
  { activityId }: ActivityHandle<unknown>,
  description: ActivityDescription,
  scope: Scope,
): Promise<ActivityOutcome<never>> {
  const { runId, attempts } = description;
  const kind = description.status as Exclude<ActivityDescription["status"], "running" | "completed">;
  const isFailure = kind === "failed" || kind === "timed_out";
  const failure = isFailure ? (description.failure ?? (await failureOf(readers, activityId, runId, scope))) : undefined;
  return { kind, activityId, runId, attempts, failure };
}

/** Descriptions of most engines say that it failed, and not why. */
async function failureOf(
  { engine }: Readers,
  id: string,
  runId: string,
  scope: Scope,
): Promise<RemoteFailure | undefined> {
  try {
    return (await runEndOf(engine, id, runId, engine.bounds(scope)))?.failure;
  } catch (error) {
    if (error instanceof ClientError) return undefined;
    throw error;
  }
}

/** The id has a newer run: what became of ours stands in its history. */
async function replaced<Result>(
  { engine, payloads }: Readers,
  handle: ActivityHandle<Result>,
  scope: Scope,
): Promise<ActivityOutcome<Result>> {
  const { activityId, runId = "" } = handle;
  let end: RunEnd | undefined;
  try {
    end = await runEndOf(engine, activityId, runId, engine.bounds(scope));
  } catch (error) {
    if (error instanceof ClientError && !error.retryable) throw runReplaced(handle, error);
    throw error;
  }
  if (end === undefined) throw runReplaced(handle);
  const { status: kind, attempts, failure } = end;
  const told = { activityId, runId, attempts };
  if (kind !== "completed") return { kind, ...told, failure };
  return { kind, ...told, result: (await payloads.incoming(end.result, handle, scope)) as Result };
}
