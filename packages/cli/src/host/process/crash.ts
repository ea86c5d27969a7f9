import {
  EXTERNAL_TASK_RESULT_SCHEMA,
  EXTERNAL_TASK_RESULT_VERSION,
  type ExternalTaskInput,
  type InvocableResultEnvelope,
} from "@durable-workflow/carrier/protocol";

/** What ended an attempt from outside of what its handler returns or throws. */
export type CrashCause =
  | "unhandled_rejection" // a promise was rejected, and nobody looked at it
  | "uncaught_exception" // thrown in a timer, an event listener, a callback
  | "process_exit" // the code called process.exit
  | "process_ended" // the process that ran it is gone: killed, out of memory
  | "thread_blocked"; // the code computes without end: nothing else runs in its process

/** An attempt, as people are told of it. */
export interface RunFacts {
  readonly task: string;
  readonly type: string;
  readonly attempt: number;
  readonly workflow: string | null;
}

export interface Crash {
  readonly cause: CrashCause;
  readonly message: string;
  readonly stack: string | null;
  /** Whose doing it is; null where that cannot be told. */
  readonly run: RunFacts | null;
  /** Whether the attempt was answered before: it keeps its outcome. */
  readonly late: boolean;
  /** Where `run` is null: the attempts that ran at the time. Any of them may be the cause, or none. */
  readonly candidates: readonly RunFacts[];
}

/** `type` of the failure, as the dispatcher has it for a process that dies. */
const HANDLER_CRASH = "HandlerCrash";

export function factsOf({ task, workflow }: ExternalTaskInput): RunFacts {
  return { task: task.id, type: task.handler ?? "", attempt: task.attempt, workflow: workflow.id };
}

/** The answer to a task that a crash has ended: a failure that counts as an attempt, and may be retried. */
export function crashEnvelope(
  input: ExternalTaskInput,
  { message, stack }: Pick<Crash, "message" | "stack">,
  { carrier, durationMs }: { readonly carrier: string; readonly durationMs: number },
): InvocableResultEnvelope {
  const { id, attempt, idempotencyKey, handler } = input.task;
  return {
    schema: EXTERNAL_TASK_RESULT_SCHEMA,
    version: EXTERNAL_TASK_RESULT_VERSION,
    outcome: { status: "failed", retryable: true, recorded: true },
    task: { id, kind: input.kind, attempt, idempotency_key: idempotencyKey },
    failure: {
      kind: "handler_crash",
      classification: "handler_crash",
      message,
      type: HANDLER_CRASH,
      stack_trace: stack,
      timeout_type: null,
      cancelled: false,
      details: null,
    },
    metadata: { handler, carrier, duration_ms: Math.max(0, Math.round(durationMs)) },
  };
}

/** What was thrown, as a sentence and a stack trace; whatever it is, reading it does not throw. */
export function describeThrown(thrown: unknown): { readonly message: string; readonly stack: string | null } {
  try {
    if (!(thrown instanceof Error)) return { message: `${typeof thrown} ${String(thrown)}`, stack: null };
    const { name, message, stack } = thrown as { name: unknown; message: unknown; stack?: unknown };
    const text = `${String(name)}: ${String(message)}`;
    return { message: text, stack: typeof stack === "string" ? stack : null };
  } catch {
    return { message: "something that cannot be read", stack: null };
  }
}
