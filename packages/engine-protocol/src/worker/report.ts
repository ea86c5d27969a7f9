import type { FailureKind, PayloadEnvelope, TimeoutType } from "@durable-workflow/carrier/protocol";

/** What is reported to the engine, with its own field names. */

/** A payload in a report. Engines of today refuse `external_storage`. */
export type ReportedPayload = PayloadEnvelope;

/** The payload of the return value: exactly two keys, `codec` and one more; or null. */
export type ResultReport = ReportedPayload | null;

/** Why an attempt failed. */
export interface FailureReport {
  /** Has at least one character. */
  readonly message: string;
  readonly type?: string;
  readonly kind: FailureKind;
  /** Qualified name of what was thrown, and its code. Newer engines keep them. */
  readonly class?: string;
  readonly code?: number;
  readonly stack_trace?: string;
  readonly timeout_type?: TimeoutType;
  readonly cancelled: boolean;
  readonly malformed_output: boolean;
  readonly retryable: boolean;
  /** The only flag that the engine goes by. */
  readonly non_retryable: boolean;
  /** Is always sent: without it, older engines forget `type` and `non_retryable`. */
  readonly details: ReportedPayload | null;
  /** Any objects of the worker's own. Newer engines keep them. */
  readonly diagnostics?: Readonly<Record<string, unknown>>;
  readonly runtime_diagnostics?: Readonly<Record<string, unknown>>;
}

/** Who reports: both must be those of the lease. */
export interface Ownership {
  readonly activity_attempt_id: string;
  readonly lease_owner: string;
}

/** The names of these fields, as mappings tell them to whoever reports. */
export const OWNERSHIP_FIELDS = ["activity_attempt_id", "lease_owner"] as const satisfies readonly (keyof Ownership)[];

export interface CompleteBody extends Ownership {
  readonly result: ResultReport;
}

export interface FailBody extends Ownership {
  readonly failure: FailureReport;
}

/** One of several reports in a request: what its own route takes, and the task that is in the path there. */
export type BatchedReport = (CompleteBody | FailBody) & { readonly task_id: string };

/** The body of a request with several reports. A `result` makes a report that of a success, a `failure` that of a failure. */
export interface ReportsBody {
  readonly reports: readonly BatchedReport[];
}
