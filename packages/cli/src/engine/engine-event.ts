import type { ListedActivity } from "@durable-workflow/client/tools";
import { numberAt, textAt } from "@durable-workflow/engine-protocol";

/** One step of an activity, as an engine tells it while it happens. This is what `dw-carrier tail --json` prints. */
export interface EngineEvent {
  /** `activity.scheduled`, `activity.started`, `activity.heartbeat`, `activity.retry_scheduled`, `activity.lease_expired`
   *  or `activity.closed`. */
  readonly event: string;
  readonly at: string;
  readonly id: string;
  readonly runId: string;
  readonly type: string;
  readonly taskQueue: string;
  /** As `dw-carrier show` has it. */
  readonly status: string;
  /** How many have begun; null where that is not told. */
  readonly attempt: number | null;
  readonly worker: string | null;
}

/** Undefined for what tells of no activity. */
export function readEngineEvent(name: string, document: unknown): EngineEvent | undefined {
  const id = textAt(document, "activity_id");
  if (id === undefined) return undefined;
  const status = textAt(document, "status") ?? "running";
  return {
    event: name,
    at: textAt(document, "at") ?? new Date().toISOString(),
    id,
    runId: textAt(document, "workflow_run_id") ?? "",
    type: textAt(document, "activity_type") ?? "",
    taskQueue: textAt(document, "task_queue") ?? "",
    status: status === "running" ? status : (textAt(document, "closed_reason") ?? status),
    attempt: numberAt(document, "attempt_count") ?? null,
    worker: textAt(document, "lease_owner") ?? null,
  };
}

/** What two lists of the newest activities, one after the other, tell of what happened in between. */
export function changesBetween(
  before: readonly ListedActivity[],
  after: readonly ListedActivity[],
): readonly EngineEvent[] {
  const known = new Map(before.map((one) => [one.workflow_run_id, one.status]));
  const changes: EngineEvent[] = [];
  for (const one of after.toReversed()) {
    const was = known.get(one.workflow_run_id);
    if (was === undefined) changes.push(eventOf(one, "activity.scheduled", one.started_at, "running"));
    if (one.status === "running" || (was !== undefined && was !== "running")) continue;
    changes.push(eventOf(one, "activity.closed", one.closed_at ?? one.started_at, one.status));
  }
  return changes;
}

function eventOf(one: ListedActivity, event: string, at: string, status: string): EngineEvent {
  return {
    event,
    at,
    id: one.activity_id,
    runId: one.workflow_run_id,
    type: one.activity_type,
    taskQueue: one.task_queue,
    status,
    attempt: null,
    worker: null,
  };
}
