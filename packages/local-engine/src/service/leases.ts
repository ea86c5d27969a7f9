import { SHORT_LEASES } from "@durable-workflow/engine-protocol";
import type { Micros } from "../engine/model.js";
import { claim } from "../engine/transitions.js";
import type { Payload } from "../store/payloads.js";
import type { RunRecord, WorkerRecord } from "../store/records.js";
import { type EngineContext, newUpperId, saveStep } from "./context.js";

/** A task that is leased out to a worker. */
export interface LeaseOut {
  /** As it is with the lease given out. */
  readonly run: RunRecord;
  readonly attemptId: string;
  readonly attemptNumber: number;
  /** The encoded arguments, null for none. */
  readonly input: Payload | null;
  /** The engine's time as it was leased out, or again: never before the claim. */
  readonly at: Micros;
}

/** How long a lease lasts that is given to a worker: shorter for one that says that it renews its leases. */
export function leaseFor(
  { lease, shortLease }: EngineContext,
  { capabilities }: Pick<WorkerRecord, "capabilities">,
): Micros {
  return capabilities.includes(SHORT_LEASES) ? Math.min(lease, shortLease) : lease;
}

/** What a worker asks for. */
export interface PollRequest {
  /** As it was registered when it asked. */
  readonly worker: WorkerRecord;
  readonly pollRequestId: string | null;
}

/** Leases the task that is first in line for a worker, if there is one. To be called within a transaction. */
export function leaseNext(context: EngineContext, { worker, pollRequestId }: PollRequest): LeaseOut | undefined {
  const { store } = context;
  const now = context.now();
  // A worker with a build id takes runs of that build only, and runs of activities have none.
  if (worker.buildId !== null) return undefined;
  const key = store.ready.firstRun(worker.namespace, worker.taskQueue, worker.activityTypes, now);
  const before = key === undefined ? undefined : store.runs.get(key);
  if (before === undefined) return undefined;
  const attemptId = newUpperId(context);
  const lease = leaseFor(context, worker);
  const state = claim(before.state, { attemptId, owner: worker.workerId, now, lease });
  store.attempts.insert({
    run: before.key,
    number: state.attemptCount,
    attemptId,
    taskId: state.task.id,
    leaseOwner: worker.workerId,
    pollRequestId,
    event: state.historyLength,
    startedAt: now,
    leaseExpiresAt: now + lease,
  });
  const run = saveStep(context, before, state, "activity.started", now);
  return { run, attemptId, attemptNumber: state.attemptCount, input: store.runs.input(run.key).payload, at: now };
}

/** What an earlier poll under the same request id was given, while its lease is valid. */
export function leaseAgain(context: EngineContext, { worker, pollRequestId }: PollRequest): LeaseOut | undefined {
  if (pollRequestId === null) return undefined;
  const { store } = context;
  const { workerId, namespace, taskQueue } = worker;
  const now = context.now();
  const attempt = store.attempts.ofPoll(pollRequestId, workerId, namespace, taskQueue, now);
  const run = attempt === undefined ? undefined : store.runs.get(attempt.run);
  if (attempt === undefined || run === undefined || run.state.attempt?.id !== attempt.attemptId) return undefined;
  return {
    run,
    attemptId: attempt.attemptId,
    attemptNumber: attempt.number,
    input: store.runs.input(run.key).payload,
    at: now,
  };
}
