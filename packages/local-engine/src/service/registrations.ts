import { MICROS_PER_SECOND, type Micros } from "../engine/model.js";
import { token } from "../ids.js";
import type { EndedRegistration, ToldByHeartbeat, WorkerRecord } from "../store/records.js";
import { type EngineContext, newUpperId } from "./context.js";
import { takeBackLeases } from "./setbacks.js";

/** Workers that died without a word would pile up. One that is alive after all is told to register again. */
const FORGOTTEN_AFTER = 86_400 * MICROS_PER_SECOND;
/** Of all namespaces together; beyond that those go that were silent longest. The same for those that have ended. */
const MOST_REGISTRATIONS = 20_000;

/** How long the end of a registration is told again to whoever asks with its token. */
export const RECEIPT_SECONDS = 600;

export interface RegistrationRequest
  extends Omit<
    WorkerRecord,
    "workerId" | "registeredAt" | "updatedAt" | "lastHeartbeatAt" | "registrationToken" | "fence"
  > {
  /** Null: one is made up. */
  readonly workerId: string | null;
}

/**
 * Registers a worker, or registers it anew: what it holds leases of goes back to the queue, and polls that wait are given
 * nothing any more, unless the same process asks for the same work. To be called within a transaction.
 */
export function registerWorker(context: EngineContext, request: RegistrationRequest): WorkerRecord {
  const { workers, endedRegistrations } = context.store;
  const now = context.now();
  const workerId = request.workerId ?? newUpperId(context);
  const { namespace } = request;
  const before = workers.get(namespace, workerId);
  const registrationToken = token();
  const worker: WorkerRecord = {
    ...request,
    workerId,
    registeredAt: before?.registeredAt ?? now,
    updatedAt: now,
    lastHeartbeatAt: now,
    registrationToken,
    fence: before !== undefined && isSameWorker(before, request) ? before.fence : registrationToken,
  };
  workers.forgetSilentSince(now - FORGOTTEN_AFTER);
  if (before !== undefined) end(context, before, "superseded", now);
  endedRegistrations.forgetBefore(now - FORGOTTEN_AFTER);
  workers.save(worker);
  workers.keepAtMost(MOST_REGISTRATIONS);
  endedRegistrations.keepAtMost(MOST_REGISTRATIONS);
  // Only now: a poll that this wakes must find that it belongs to another registration.
  if (before !== undefined) takeBackLeases(context, namespace, workerId);
  return worker;
}

/** Whether a process that names itself registers again, for the work that it has registered for. */
function isSameWorker(before: WorkerRecord, request: RegistrationRequest): boolean {
  return (
    before.processIdentity !== null &&
    before.processIdentity === request.processIdentity &&
    before.taskQueue === request.taskQueue &&
    before.buildId === request.buildId &&
    isSameSet(before.activityTypes, request.activityTypes) &&
    isSameSet(before.workflowTypes, request.workflowTypes) &&
    isSameSet(before.capabilities, request.capabilities)
  );
}

function isSameSet(some: readonly string[], others: readonly string[]): boolean {
  const set = new Set(some);
  return set.size === new Set(others).size && others.every((one) => set.has(one));
}

/** False when there is no such worker. To be called within a transaction. */
export function heartbeatWorker(
  context: EngineContext,
  namespace: string,
  workerId: string,
  told: ToldByHeartbeat,
): boolean {
  return context.store.workers.touch(namespace, workerId, context.now(), told);
}

/** Takes a registration back, whichever it is. False when there is none. To be called within a transaction. */
export function deregisterWorker(context: EngineContext, namespace: string, workerId: string): boolean {
  const { workers } = context.store;
  const worker = workers.get(namespace, workerId);
  if (worker === undefined) return false;
  workers.delete(namespace, workerId);
  end(context, worker, "deregistered", context.now());
  return true;
}

export type FencedDeregistration =
  | { readonly kind: "deregistered"; readonly isRepeated: boolean }
  | { readonly kind: "token_not_found" } // no registration of this worker has, or lately had, this token
  | { readonly kind: "lost_authority" } // the worker was registered anew since
  | { readonly kind: "receipt_expired" }; // it has ended too long ago

/** Takes back the registration that has this token, and no later one. To be called within a transaction. */
export function deregisterFenced(
  context: EngineContext,
  namespace: string,
  workerId: string,
  registrationToken: string,
): FencedDeregistration {
  const { workers, endedRegistrations } = context.store;
  const now = context.now();
  const ended = endedRegistrations.get(namespace, workerId, registrationToken);
  if (ended?.how === "superseded") return { kind: "lost_authority" };
  if (ended !== undefined) {
    const isOver = ended.at <= now - RECEIPT_SECONDS * MICROS_PER_SECOND;
    return isOver ? { kind: "receipt_expired" } : { kind: "deregistered", isRepeated: true };
  }
  if (workers.get(namespace, workerId)?.registrationToken !== registrationToken) return { kind: "token_not_found" };
  deregisterWorker(context, namespace, workerId);
  return { kind: "deregistered", isRepeated: false };
}

function end(
  { store }: EngineContext,
  { registrationToken, namespace, workerId }: WorkerRecord,
  how: EndedRegistration["how"],
  at: Micros,
): void {
  store.endedRegistrations.add({ token: registrationToken, namespace, workerId, how, at });
}
