import type { PayloadEnvelope } from "@durable-workflow/carrier/protocol";
import type { RuntimePayloadEnvelope } from "../external-payloads/reference.js";

/** What engines send and take of activities. Names are those of the wire. Not every engine sends what is optional. */

/** `workflow_type` of the run that an activity started by itself has. */
export const STANDALONE_WORKFLOW_TYPE = "dw.standalone_activity";

/** The status of one run of an activity. */
export type RunStatus = "running" | "completed" | "failed" | "cancelled" | "terminated";

/** The body of a request that starts an activity. Times are in whole seconds. */
export interface StartRequest {
  readonly activity_type: string;
  readonly task_queue: string;
  readonly activity_id?: string;
  readonly input?: { readonly codec: string; readonly blob: string } | RuntimePayloadEnvelope;
  readonly business_key?: string;
  readonly retry_policy?: {
    readonly max_attempts?: number;
    readonly backoff_seconds?: readonly number[];
    readonly non_retryable_error_types?: readonly string[];
  };
  readonly start_to_close_timeout_seconds?: number;
  readonly schedule_to_start_timeout_seconds?: number;
  readonly schedule_to_close_timeout_seconds?: number;
  readonly heartbeat_timeout_seconds?: number;
}

/** For how many seconds the local engine holds an answer back at most, where `?wait=` asks for that. */
export const LONGEST_WAIT_SECONDS = 300;

/**
 * The answer to a start. Of an engine that says `longest_wait_seconds`, a start may ask by `?wait=SECONDS` for an answer that is
 * held back until the activity is closed, for so long at most: it is the description, too, where `status` is not `running`.
 */
export interface StartedActivity {
  readonly activity_id: string;
  readonly activity_execution_id: string;
  readonly workflow_id: string;
  readonly workflow_run_id: string;
  readonly workflow_type: string;
  readonly activity_type: string;
  readonly activity_class: string;
  readonly task_queue: string;
  readonly namespace: string;
  readonly status: RunStatus;
  readonly payload_codec: string;
  readonly started_at: string;
  readonly schedule_to_start_deadline_at: string | null;
  readonly schedule_to_close_deadline_at: string | null;
  readonly command_status: "accepted";
  readonly command_source: string;
  /** The local engine's own addition: cluster info has it as the capability `start_waits`. */
  readonly longest_wait_seconds?: number;
}

export interface ActivityDescription extends WithAttempts {
  readonly activity_id: string;
  readonly workflow_id: string;
  readonly workflow_run_id: string;
  readonly workflow_type: string;
  readonly namespace: string;
  readonly activity_type: string;
  readonly activity_class: string;
  readonly activity_execution_id: string;
  readonly activity_status: string;
  readonly attempt_count: number;
  readonly task_queue: string;
  readonly business_key: string | null;
  readonly status: string;
  readonly closed_reason: string | null;
  readonly started_at: string;
  readonly closed_at: string | null;
  readonly last_progress_at: string | null;
  readonly compatibility: string | null;
  readonly payload_codec: string;
  readonly schedule_to_start_deadline_at: string | null;
  readonly schedule_to_close_deadline_at: string | null;
  readonly last_heartbeat_at: string | null;
  readonly result: PayloadEnvelope | RuntimePayloadEnvelope | null;
  /** Why it failed. The local engine's own addition. */
  readonly failure?: DescribedFailure | null;
}

/** The attempts of an activity, as newer engines tell them with it. */
export interface AttemptState {
  readonly activity_execution_id: string;
  readonly attempt_count: number;
  /** Null before the first. */
  readonly current_attempt_id: string | null;
  readonly current_attempt_status: string | null;
  /** The newest ones, in their order. */
  readonly attempts: readonly DescribedAttempt[];
}

/** How descriptions and lists tell of attempts. Older engines do not. */
export interface WithAttempts {
  readonly current_attempt_id?: string | null;
  readonly current_attempt_status?: string | null;
  readonly current_attempt?: DescribedAttempt | null;
  readonly attempts?: readonly DescribedAttempt[];
  readonly attempt_state?: AttemptState;
}

/** Why an activity failed, as its description has it. */
export interface DescribedFailure {
  readonly failure_category: "activity" | "timeout";
  readonly message: string;
  readonly type: string | null;
  readonly non_retryable: boolean;
  readonly timeout_type: string | null;
  readonly stack_trace: string | null;
  /** As the worker sent them. */
  readonly details: unknown;
  /** What else the worker said of it. */
  readonly class?: string;
  readonly code?: number | string;
  readonly kind?: string;
  readonly diagnostics?: Readonly<Record<string, unknown>>;
  readonly runtime_diagnostics?: Readonly<Record<string, unknown>>;
}

/** An attempt, as the description of an activity has it. */
export interface DescribedAttempt {
  readonly attempt_number: number;
  readonly activity_attempt_id: string;
  readonly task_id: string;
  readonly status: string;
  readonly lease_owner: string;
  readonly started_at: string;
  readonly last_heartbeat_at: string | null;
  readonly closed_at: string | null;
  readonly id?: string;
  readonly activity_execution_id?: string;
  /** As `task_id`. */
  readonly workflow_task_id?: string;
  readonly lease_expires_at?: string | null;
  /** What the newest heartbeat said. */
  readonly last_heartbeat_progress?: Readonly<Record<string, unknown>> | null;
  readonly can_continue?: boolean;
  readonly cancel_requested?: boolean;
  /** Why it must not go on. */
  readonly stop_reason?: string | null;
  readonly is_current?: boolean;
  /** The local engine's own addition. Not in lists. */
  readonly failure?: DescribedFailure | null;
}

/** Of a list: timed-out, cancelled and terminated ones are with the failed. */
export const STATUS_BUCKETS = ["running", "completed", "failed"] as const;
/** What a list of activities can be narrowed to. */
export type StatusBucket = (typeof STATUS_BUCKETS)[number];

export interface ListedActivity extends WithAttempts {
  readonly activity_id: string;
  readonly workflow_run_id: string;
  readonly activity_type: string;
  readonly activity_class: string;
  readonly task_queue: string;
  readonly status: string;
  readonly status_bucket: StatusBucket;
  readonly business_key: string | null;
  readonly started_at: string;
  readonly closed_at: string | null;
  /** Newer engines say these too. */
  readonly workflow_id?: string;
  readonly activity_execution_id?: string;
  readonly activity_status?: string;
  readonly attempt_count?: number;
}

/** A page of the list of activities. */
export interface ActivityPage {
  readonly activities: readonly ListedActivity[];
  readonly activity_count: number;
  /** Base64 of how many come before the next page: those that start meanwhile move it. */
  readonly next_page_token: string | null;
  /** What the local engine takes in the token's place, where there is a next page: it names an activity, so nothing moves it. */
  readonly next_page_cursor?: string;
}

/** One event of the history of an activity. */
export interface HistoryEvent {
  readonly sequence: number;
  readonly event_type: string;
  readonly timestamp: string;
  readonly payload: Readonly<Record<string, unknown>> | null;
}

/** A page of the history of an activity. */
export interface HistoryPage {
  readonly events: readonly HistoryEvent[];
  readonly next_page_token?: string | null;
}
