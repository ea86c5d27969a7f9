import type { PublishedContract } from "../contract-id.js";
import type { OWNERSHIP_FIELDS } from "./report.js";

/** `external_executor` of a polled task: the entry of the engine's executor config for it, with secrets redacted. */
export interface PolledMapping extends PublishedContract {
  readonly name: string;
  readonly kind: "activity";
  readonly activity_type: string;
  readonly task_queue: string;
  readonly handler: string;
  readonly carrier: {
    readonly name: string;
    /** As the config has it: an engine knows kinds of carriers that nobody else does. */
    readonly type: unknown;
    /** The carrier's own entry of the config. */
    readonly target: unknown;
  };
  /** The credential's name and its entry, where the mapping has one. */
  readonly auth_ref?: string;
  readonly auth?: unknown;
  readonly rollout?: unknown;
  readonly metadata?: unknown;
  /** For HTTP carriers only. */
  readonly dispatch?: PolledDispatch;
}

/** How the one who polled is to call an HTTP carrier. The engine never calls one. */
export interface PolledDispatch {
  readonly state: "poll_delivered";
  readonly carrier_type: "invocable_http";
  readonly method: "POST";
  readonly request_content_type: string;
  readonly response_content_type: string;
  /** As the config has it; seconds. */
  readonly timeout_seconds?: unknown;
  /** The deadlines that this task has. */
  readonly task_deadline_fields: readonly string[];
  readonly idempotency_key: string;
  readonly idempotency_key_source: string;
  readonly retry_authority: string;
  /** As the config has it, and whose it is. */
  readonly transport_retry_policy?: {
    readonly authority: string;
    readonly durable_retry_boundary: string;
  };
  /** What a dispatcher is to make of what the transport says. */
  readonly failure_mapping: Readonly<Record<string, string>>;
  readonly result_reporting: {
    readonly complete_path: string;
    readonly fail_path: string;
    readonly ownership_fields: typeof OWNERSHIP_FIELDS;
  };
}
