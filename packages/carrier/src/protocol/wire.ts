import type {
  EXTERNAL_TASK_INPUT_SCHEMA,
  EXTERNAL_TASK_INPUT_VERSION,
  EXTERNAL_TASK_RESULT_SCHEMA,
  EXTERNAL_TASK_RESULT_VERSION,
  ExternalTaskKind,
  FailureClassification,
  FailureKind,
  TimeoutType,
} from "./constants.js";

/** The envelopes as they are sent: JSON documents with the contract's own field names. */

/** A payload that travels inside the envelope. */
export interface InlinePayloadEnvelope {
  readonly codec: string;
  /** Strict base64 of the encoded value. */
  readonly blob: string;
}

/** A payload that travels by reference to external storage. */
export interface StoredPayloadEnvelope {
  readonly codec: string;
  readonly external_storage: Readonly<Record<string, unknown>>;
}

/** A payload that the engine keeps, by its own reference: whoever reads it needs a credential of the engine's. */
export interface RuntimePayloadEnvelope {
  readonly codec: string;
  readonly external_payload: Readonly<Record<string, unknown>>;
}

/** A payload with its codec: inline, or by a reference of either form. */
export type PayloadEnvelope = InlinePayloadEnvelope | StoredPayloadEnvelope | RuntimePayloadEnvelope;

/** The workflow that an activity belongs to, as it stands on the wire. */
export interface WorkflowWire {
  readonly id: string;
  readonly run_id: string;
}

/** A lease, as it stands on the wire. */
export interface LeaseWire {
  readonly owner: string;
  /** RFC 3339. */
  readonly expires_at: string;
  /** A path on the engine. */
  readonly heartbeat_endpoint: string;
  /** Additive: who renews the lease while the handler runs. Present when the caller does so itself. */
  readonly renewed_by?: string | null;
  /** Additive, RFC 3339: the engine's time, as the caller estimates it, at the moment it sent the request. */
  readonly sent_at?: string | null;
}

/** Every key is present; a deadline that was not set is null. RFC 3339. */
export interface DeadlinesWire {
  readonly schedule_to_start: string | null;
  readonly start_to_close: string | null;
  readonly schedule_to_close: string | null;
  readonly heartbeat: string | null;
}

/** What a carrier receives. */
export interface ActivityTaskInputEnvelope {
  readonly schema: typeof EXTERNAL_TASK_INPUT_SCHEMA;
  readonly version: typeof EXTERNAL_TASK_INPUT_VERSION;
  readonly task: {
    readonly id: string;
    readonly kind: "activity_task";
    readonly attempt: number;
    readonly activity_attempt_id: string;
    readonly task_queue: string;
    readonly handler: string;
    readonly connection: string | null;
    readonly external_executor?: Readonly<Record<string, unknown>> | null;
    readonly idempotency_key: string;
  };
  readonly workflow: WorkflowWire;
  readonly lease: LeaseWire;
  readonly payloads: { readonly arguments: PayloadEnvelope | null };
  readonly deadlines: DeadlinesWire;
  /** An empty list stands for no headers, as PHP writes an empty map. */
  readonly headers: Readonly<Record<string, unknown>> | readonly [];
}

/** A task for a workflow runtime. A carrier reads its identity and refuses it. */
export interface WorkflowTaskInputEnvelope {
  readonly schema: typeof EXTERNAL_TASK_INPUT_SCHEMA;
  readonly version: typeof EXTERNAL_TASK_INPUT_VERSION;
  readonly task: {
    readonly id: string;
    readonly kind: "workflow_task";
    readonly attempt: number;
    readonly task_queue: string;
    readonly handler: string | null;
    readonly connection: string | null;
    readonly compatibility: string | null;
    readonly idempotency_key: string;
  };
  readonly workflow: WorkflowWire & {
    readonly status: string | null;
    readonly resume: Readonly<Record<string, unknown>>;
  };
  readonly lease: LeaseWire;
  readonly payloads: { readonly arguments: PayloadEnvelope | null };
  readonly history: {
    readonly events: readonly unknown[];
    readonly last_sequence: number;
    readonly next_page_token: string | null;
    readonly encoding: string | null;
  };
  readonly headers: Readonly<Record<string, unknown>> | readonly [];
}

/** An input envelope, as it stands on the wire. */
export type ExternalTaskInputEnvelope = ActivityTaskInputEnvelope | WorkflowTaskInputEnvelope;

/** The identity of a task, copied from the input. */
export interface ResultTaskWire {
  readonly id: string;
  readonly kind: ExternalTaskKind;
  readonly attempt: number;
  readonly idempotency_key: string;
}

/** What a result says of the run and its carrier, as it stands on the wire. */
export interface ResultMetadataWire {
  readonly handler: string | null;
  readonly carrier: string;
  /** Whole milliseconds, from a monotonic clock. */
  readonly duration_ms: number;
}

/** A result envelope of a success, as it stands on the wire. */
export interface SuccessResultEnvelope {
  readonly schema: typeof EXTERNAL_TASK_RESULT_SCHEMA;
  readonly version: typeof EXTERNAL_TASK_RESULT_VERSION;
  readonly outcome: { readonly status: "succeeded"; readonly recorded: boolean };
  readonly task: ResultTaskWire;
  readonly result: {
    readonly payload: PayloadEnvelope | null;
    readonly metadata: Readonly<Record<string, unknown>> | null;
  } | null;
  readonly metadata: ResultMetadataWire;
}

/** A failure, as it stands on the wire. */
export interface FailureWire {
  readonly kind: FailureKind;
  readonly classification: FailureClassification;
  readonly message: string;
  readonly type: string | null;
  readonly stack_trace: string | null;
  readonly timeout_type: TimeoutType | null;
  readonly cancelled: boolean;
  /** Codec-tagged; the engine drops details without a tag. */
  readonly details: PayloadEnvelope | null;
}

/** A result envelope of a failure, as it stands on the wire. */
export interface FailureResultEnvelope {
  readonly schema: typeof EXTERNAL_TASK_RESULT_SCHEMA;
  readonly version: typeof EXTERNAL_TASK_RESULT_VERSION;
  readonly outcome: { readonly status: "failed"; readonly retryable: boolean; readonly recorded: boolean };
  readonly task: ResultTaskWire;
  readonly failure: FailureWire;
  readonly metadata: ResultMetadataWire;
}

/** Written by whoever called a handler that gave no valid envelope. */
export interface MalformedOutputResultEnvelope extends FailureResultEnvelope {
  readonly raw_output: Readonly<Record<string, unknown>>;
}

/** What a carrier answers. */
export type InvocableResultEnvelope = SuccessResultEnvelope | FailureResultEnvelope;

/** A result envelope, as it stands on the wire. */
export type ExternalTaskResultEnvelope = InvocableResultEnvelope | MalformedOutputResultEnvelope;
