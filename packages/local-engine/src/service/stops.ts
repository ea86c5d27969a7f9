import { stop } from "../engine/transitions.js";
import type { RunRecord } from "../store/records.js";
import { type EngineContext, newId, saveStep } from "./context.js";
import { snapshotOf } from "./setbacks.js";

export interface StopRequest {
  readonly namespace: string;
  readonly activityId: string;
  /** A certain run, or null for the newest. */
  readonly runId: string | null;
  readonly how: "cancelled" | "terminated";
  readonly reason: string | null;
  readonly path: string;
  readonly fingerprint: string;
}

/** The command that was accepted, as history tells it. */
export interface StopCommand {
  readonly id: string;
  readonly sequence: number;
  readonly type: "cancel" | "terminate";
  readonly reason: string | null;
  readonly path: string;
  readonly fingerprint: string;
  readonly acceptedAt: number;
}

export type StopOutcome =
  | { readonly kind: "stopped"; readonly run: RunRecord; readonly command: StopCommand }
  | { readonly kind: "not_found" }
  | { readonly kind: "not_running"; readonly run: RunRecord };

const EVENTS = {
  cancelled: ["CancelRequested", "ActivityCancelled", "WorkflowCancelled"],
  terminated: ["TerminateRequested", "ActivityCancelled", "WorkflowTerminated"],
} as const;

/** Cancels or terminates a run, at once. To be called within a transaction. */
export function stopActivity(context: EngineContext, request: StopRequest): StopOutcome {
  const { store } = context;
  const run =
    request.runId === null
      ? store.runs.latest(request.activityId)
      : store.runs.ofRunId(request.activityId, request.runId);
  if (run === undefined || run.namespace !== request.namespace) return { kind: "not_found" };
  if (run.state.status !== "running") return { kind: "not_running", run };
  const now = context.now();
  const command: StopCommand = {
    id: newId(context),
    sequence: 2,
    type: request.how === "cancelled" ? "cancel" : "terminate",
    reason: request.reason,
    path: request.path,
    fingerprint: request.fingerprint,
    acceptedAt: now,
  };
  const state = stop(run.state, request.how, now);
  store.attempts.close(run, "cancelled", now, null);
  const failureId = newId(context);
  for (const [index, type] of EVENTS[request.how].entries()) {
    const sequence = state.historyLength - 2 + index;
    store.history.append(run.key, sequence, type, now, { ...snapshotOf(run), command, failureId });
  }
  return { kind: "stopped", run: saveStep(context, run, state, "activity.closed", now), command };
}
