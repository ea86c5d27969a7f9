import { SHORT_LEASES } from "@durable-workflow/engine-protocol";
import { type Micros, waitsFrom } from "../engine/model.js";
import { claim } from "../engine/transitions.js";
import { isBlob, type Payload } from "../store/payloads.js";
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

/** How long a lease lasts that is given to a worker: shorter for one that says that it renews its leases. */
export function leaseFor(
  { lease, shortLease }: EngineContext,
  { capabilities }: Pick<WorkerRecord, "capabilities">,
): Micros {
  return capabilities.includes(SHORT_LEASES) ? Math.min(lease, shortLease) : lease;
}

/** A poll by what it is known by when it is repeated. */
export interface RepeatedPoll {
  readonly worker: Pick<WorkerRecord, "namespace" | "taskQueue" | "workerId">;
  readonly pollRequestId: string | null;
  /** How many requests of its id its client had sent, and given up, before this one. Default: nobody says. */
  readonly repeat?: number;
}

/** What a worker asks for. */
export interface PollRequest extends RepeatedPoll {
  /** As it was registered when it asked. */
  readonly worker: WorkerRecord;
  /** How many tasks its answer may bring. Default 1. */
  readonly maxTasks?: number;
  /** Whether it is told of the tasks that it has been given already, and given no others. Default false. */
  readonly onlyAgain?: boolean;
}

/** What is leased out in one answer. */
export interface Leases {
  readonly first: LeaseOut;
  readonly others: readonly LeaseOut[];
  /** Whether it ended before the tasks did. */
  readonly isCut: boolean;
}

/** An answer ends once its arguments are as long as this: whoever wants more asks again. */
const ENOUGH_INPUT_LENGTH = 65_536;
/** It ends with one that is as long as this: such go from the store to the wire without being looked into, one in an answer. */
const LARGE_INPUT_LENGTH = 16_384;

/** Leases the tasks that are first in line for a worker, as many as it asks for. To be called within a transaction. */
export function leaseSome(context: EngineContext, request: PollRequest): Leases | undefined {
  if (request.onlyAgain === true) return undefined;
  const first = leaseNext(context, request);
  if (first === undefined) return undefined;
  const { maxTasks = 1 } = request;
  const others: LeaseOut[] = [];
  let length = 0;
  for (let newest = first; ; others.push(newest)) {
    const own = newest.input !== null && isBlob(newest.input) ? newest.input.length : 0;
    length += own;
    if (others.length + 1 >= maxTasks || own >= LARGE_INPUT_LENGTH || length >= ENOUGH_INPUT_LENGTH) break;
    const next = leaseNext(context, request);
    if (next === undefined) return { first, others, isCut: false };
    newest = next;
  }
  return { first, others, isCut: firstReady(context, request.worker, context.now()) !== undefined };
}

/** The run whose task is first in line for a worker. */
function firstReady(
  { store }: EngineContext,
  { namespace, taskQueue, activityTypes, buildId }: WorkerRecord,
  now: Micros,
): number | undefined {
  // A worker with a build id takes runs of that build only, and runs of activities have none.
  return buildId === null ? store.ready.firstRun(namespace, taskQueue, activityTypes, now) : undefined;
}

/** Leases the task that is first in line for a worker, if there is one. To be called within a transaction. */
export function leaseNext(context: EngineContext, { worker, pollRequestId }: PollRequest): LeaseOut | undefined {
  const { store } = context;
  const now = context.now();
  const key = firstReady(context, worker, now);
  const before = key === undefined ? undefined : store.runs.get(key);
  if (before === undefined) return undefined;
  const attemptId = newUpperId(context);
  const state = claim(before.state, { attemptId, owner: worker.workerId, now, lease: leaseFor(context, worker) });
  const run = store.runs.lease(before, state, pollRequestId);
  announce(context, run, "activity.started", now, waitsFrom(before.state));
  return { run, attemptId, attemptNumber: state.attemptCount, input: store.runs.input(run.key).payload, at: now };
}

/**
 * What an earlier poll under the same request id was given, while its leases are valid: whether or not its worker is registered
 * still. To be called within a transaction.
 */
export function leaseAgain(context: EngineContext, { worker, pollRequestId }: RepeatedPoll): Leases | undefined {
  if (pollRequestId === null) return undefined;
  const { store } = context;
  const { workerId, namespace, taskQueue } = worker;
  const at = context.now();
  const keys = store.leases.ofPoll(pollRequestId, workerId, namespace, taskQueue);
  const [first, ...others] = keys.flatMap((key): LeaseOut[] => {
    const run = store.runs.get(key);
    const attempt = run?.state.attempt;
    if (run === undefined || attempt == null || (run.state.task.leaseExpiresAt ?? at) <= at) return [];
    const { id: attemptId, number: attemptNumber } = attempt;
    return [{ run, attemptId, attemptNumber, input: store.runs.input(key).payload, at }];
  });
  return first === undefined ? undefined : { first, others, isCut: false };
}
