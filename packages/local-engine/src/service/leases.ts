import type { Micros } from "../engine/model.js";
import { claim } from "../engine/transitions.js";
import type { Payload } from "../store/payloads.js";
import type { RunRecord, WorkerRecord } from "../store/records.js";
import { announce, type EngineContext, newUpperId } from "./context.js";

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
  const state = claim(before.state, { attemptId, owner: worker.workerId, now, lease: context.lease });
  const run = store.runs.lease(before, state, pollRequestId);
  announce(context, run, "activity.started", now);
  return { run, attemptId, attemptNumber: state.attemptCount, input: store.runs.input(run.key).payload, at: now };
}

/** What an earlier poll under the same request id was given, while its lease is valid. */
export function leaseAgain(context: EngineContext, { worker, pollRequestId }: PollRequest): LeaseOut | undefined {
  if (pollRequestId === null) return undefined;
  const { store } = context;
  const { workerId, namespace, taskQueue } = worker;
  const now = context.now();
  const key = store.leases.ofPoll(pollRequestId, workerId, namespace, taskQueue);
  const run = key === undefined ? undefined : store.runs.get(key);
  const attempt = run?.state.attempt;
  if (run === undefined || attempt == null || (run.state.task.leaseExpiresAt ?? now) <= now) return undefined;
  return {
    run,
    attemptId: attempt.id,
    attemptNumber: attempt.number,
    input: store.runs.input(run.key).payload,
    at: now,
  };
}
