import type { InvocableHandler } from "@durable-workflow/carrier";
import type { InvocableResultEnvelope } from "@durable-workflow/carrier/protocol";

/** One task that has ended. */
export interface TaskReport {
  readonly task: string;
  readonly type: string;
  readonly attempt: number;
  readonly workflow: string | null;
  /** The last three are for the dispatcher to know: the engine wanted no more of the task. */
  readonly outcome: "succeeded" | "failed" | "cancelled" | "superseded" | "lost" | "abandoned";
  /** Null for a success, and where nobody asks any more. */
  readonly failure: {
    readonly type: string | null;
    readonly message: string;
    /** Null, as the next one, where only the engine knows. */
    readonly classification: string | null;
    readonly retryable: boolean | null;
    /** Whether another attempt follows, by the activity's retry policy; null where that is not known here. */
    readonly willRetry: boolean | null;
    readonly stackTrace: string | null;
  } | null;
  readonly durationMs: number;
}

/** Runs every task with the given handler, and tells of each once it is answered. */
export function reportedRun(
  handler: InvocableHandler,
  onTask: (report: TaskReport) => void,
): InvocableHandler["handle"] {
  return async (envelope, options) => {
    const result = await handler.handle(envelope, options);
    onTask(reportOf(envelope, result));
    return result;
  };
}

function reportOf(input: unknown, result: InvocableResultEnvelope): TaskReport {
  const { workflow } = input as { readonly workflow?: { readonly id?: string } };
  const failed = "failure" in result ? result : null;
  return {
    task: result.task.id,
    type: result.metadata.handler ?? "",
    attempt: result.task.attempt,
    workflow: workflow?.id ?? null,
    outcome: failed === null ? "succeeded" : failed.failure.classification === "cancelled" ? "cancelled" : "failed",
    failure:
      failed === null
        ? null
        : {
            type: failed.failure.type,
            message: failed.failure.message,
            classification: failed.failure.classification,
            retryable: failed.outcome.retryable,
            // Envelopes do not tell the policy.
            willRetry: failed.outcome.retryable ? null : false,
            stackTrace: failed.failure.stack_trace,
          },
    durationMs: result.metadata.duration_ms,
  };
}
