import type { RetryPolicy } from "../engine/model.js";
import { start } from "../engine/transitions.js";
import { type Payload, type PayloadFault, referenceOf } from "../store/payloads.js";
import type { RunRecord } from "../store/records.js";
import { announce, type EngineContext, newId } from "./context.js";

export interface StartRequest {
  readonly namespace: string;
  /** Null: one is made up. */
  readonly activityId: string | null;
  readonly activityType: string;
  readonly activityClass: string;
  readonly taskQueue: string;
  readonly businessKey: string | null;
  readonly policy: RetryPolicy;
  /** The encoded arguments, null for none. */
  readonly input: Payload | null;
  /** Of the body. */
  readonly fingerprint: string;
}

export type StartOutcome =
  | { readonly kind: "started"; readonly run: RunRecord }
  | { readonly kind: "payload_refused"; readonly fault: PayloadFault }
  | { readonly kind: "already_running" | "reserved_in_namespace" | "queue_draining" };

/** Starts an activity. To be called within a transaction. */
export function startActivity(context: EngineContext, request: StartRequest): StartOutcome {
  const { store } = context;
  const now = context.now();
  let runNumber = 1;
  if (request.activityId !== null) {
    const previous = store.runs.latest(request.activityId);
    if (previous !== undefined) {
      if (previous.namespace !== request.namespace) return { kind: "reserved_in_namespace" };
      if (previous.state.status === "running") return { kind: "already_running" };
      runNumber = previous.runNumber + 1;
    }
  }
  if (store.namespaces.drainedSince(request.namespace, request.taskQueue) !== undefined) {
    return { kind: "queue_draining" };
  }
  const reference = referenceOf(request.input);
  const fault = reference === null ? undefined : store.payloads.fault(request.namespace, reference);
  if (fault !== undefined) return { kind: "payload_refused", fault };
  const run = store.runs.insert({
    namespace: request.namespace,
    activityId: request.activityId ?? newId(context),
    runNumber,
    runId: newId(context),
    executionId: newId(context),
    commandId: newId(context),
    activityType: request.activityType,
    activityClass: request.activityClass,
    taskQueue: request.taskQueue,
    businessKey: request.businessKey,
    state: start(request.policy, newId(context), now),
    input: request.input,
    fingerprint: request.fingerprint,
  });
  if (reference !== null) store.payloads.claim(request.namespace, reference, run.key);
  announce(context, run, "activity.scheduled", now);
  return { kind: "started", run };
}
