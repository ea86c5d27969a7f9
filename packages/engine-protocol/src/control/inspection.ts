import type { JsonObject } from "@durable-workflow/carrier/protocol";
import type { DescribedFailure, StatusBucket } from "./activities.js";
import type { RetryPolicyWire } from "./retry-policy.js";

/**
 * What the local engine tells of itself beside the server's own API: its own addition, for those who look at it. An engine that
 * has it says so in its cluster info (`capabilities.inspection`). None of it holds a payload.
 */

/** Where an activity stands, in one word. */
export type Standing =
  | "queued" // may be leased, was never tried
  | "delayed" // may not be leased yet, was never tried
  | "running"
  | "retrying" // was tried, and waits for the next time
  | "stalled" // leased, and its lease or heartbeat deadline has passed
  | "succeeded"
  | "failed" // timed out too
  | "cancelled"; // terminated too

/** The bucket that activities lie in which stand so. */
export const BUCKET_OF: Readonly<Record<Standing, StatusBucket>> = {
  queued: "running",
  delayed: "running",
  running: "running",
  retrying: "running",
  stalled: "running",
  succeeded: "completed",
  failed: "failed",
  cancelled: "failed",
};

/** An activity, as it is listed. */
export interface InspectedActivity {
  /** Grows with every start. */
  readonly key: number;
  readonly activity_id: string;
  readonly run_id: string;
  readonly activity_type: string;
  readonly task_queue: string;
  readonly business_key: string | null;
  readonly standing: Standing;
  readonly closed_reason: string | null;
  readonly attempt_count: number;
  readonly max_attempts: number;
  readonly started_at: string;
  readonly closed_at: string | null;
  /** From when on its task may be leased. */
  readonly available_at: string;
  /** Of who has it, or had it last. */
  readonly lease_owner: string | null;
  readonly lease_expires_at: string | null;
  readonly last_heartbeat_at: string | null;
  readonly schedule_to_start_deadline_at: string | null;
  readonly schedule_to_close_deadline_at: string | null;
  readonly start_to_close_deadline_at: string | null;
  readonly heartbeat_deadline_at: string | null;
  /** What the newest heartbeat that said anything said. */
  readonly progress: Readonly<Record<string, unknown>> | null;
  /** Of the newest attempt that failed; its message is cut. */
  readonly failure: { readonly type: string | null; readonly message: string } | null;
}

/** Query parameters: `standing`, `activity_type`, `task_queue` (lists, by comma), `id_part`, `since`, `until`, `before` (a key),
 *  `page_size`; or `runs` alone: `ID/RUN`, by comma. Each part of a list is percent-encoded once more. */
export interface InspectedPage {
  readonly as_of: string;
  /** Newest first. */
  readonly activities: readonly InspectedActivity[];
  /** The key before which to go on; null at the end. */
  readonly next_before: number | null;
  /** How many were looked at. */
  readonly scanned: number;
}

/** One attempt of an activity, with its heartbeats. */
export interface InspectedAttempt {
  /** 1 for the first. */
  readonly number: number;
  readonly attempt_id: string;
  readonly task_id: string;
  readonly status: "running" | "completed" | "failed" | "timed_out" | "expired" | "cancelled";
  /** From when on it could be leased; null where that is not known any more. */
  readonly available_at: string | null;
  readonly started_at: string;
  readonly closed_at: string | null;
  readonly lease_owner: string;
  readonly lease_expires_at: string | null;
  readonly last_heartbeat_at: string | null;
  readonly progress: Readonly<Record<string, unknown>> | null;
  /** Oldest first. */
  readonly heartbeats: readonly { readonly at: string; readonly progress: Readonly<Record<string, unknown>> }[];
  readonly failure: DescribedFailure | null;
}

/** One activity: `?id=`, and `run=` for another run than the newest. */
export interface InspectedDetail {
  readonly as_of: string;
  readonly activity: InspectedActivity;
  readonly namespace: string;
  readonly retry_policy: RetryPolicyWire;
  /** The newest ones, oldest first. */
  readonly attempts: readonly InspectedAttempt[];
  /** Why it failed for good. */
  readonly failure: DescribedFailure | null;
  /** Characters of the encoded payload; null for none. */
  readonly input: InspectedPayload | null;
  readonly result: InspectedPayload | null;
  /** Of its id, newest first. */
  readonly runs: readonly InspectedRun[];
}

/** One of the runs that have the same activity id. */
export interface InspectedRun {
  readonly run_id: string;
  readonly standing: Standing;
  readonly started_at: string;
  readonly closed_at: string | null;
}

/** What a payload is: the payload itself where it is short, else how long it is. */
export interface InspectedPayload {
  readonly codec: string;
  readonly size_bytes: number;
  /** Base64; null where it is long, or kept apart. */
  readonly blob: string | null;
  readonly reference_id: string | null;
  readonly sha256: string | null;
}

/** How many activities of a queue and a type stand so. */
export interface InspectedGroup {
  readonly task_queue: string;
  readonly activity_type: string;
  readonly standing: Standing;
  readonly count: number;
  /** How many of them may not be leased yet. */
  readonly later: number;
  /** The earliest `available_at` of those that wait. */
  readonly oldest_available_at: string | null;
}

/** What went on of late, in steps of the same length: the value at each index belongs to the same step. Null where nothing ended. */
export interface InspectedSeries {
  readonly from: string;
  readonly step_seconds: number;
  readonly known_since: string;
  readonly started: readonly number[];
  readonly succeeded: readonly number[];
  readonly failed: readonly number[];
  readonly retried: readonly number[];
  readonly run_seconds_p50: readonly (number | null)[];
  readonly run_seconds_p95: readonly (number | null)[];
  readonly wait_seconds_p50: readonly (number | null)[];
  readonly wait_seconds_p95: readonly (number | null)[];
}

/** All of an engine at a glance: how many activities stand where, who holds leases, and what went on of late. */
export interface InspectedEngine {
  readonly as_of: string;
  readonly groups: readonly InspectedGroup[];
  /** Whether all activities were counted; else the newest of each bucket. */
  readonly is_whole: boolean;
  readonly drained_queues: readonly { readonly task_queue: string; readonly since: string }[];
  /** Leases that each worker holds. */
  readonly leases: readonly { readonly worker_id: string; readonly count: number }[];
  readonly series: InspectedSeries;
}

/** What the arguments of an activity look like, as workers of a task queue have said. */
export interface InspectedInputSchema {
  readonly task_queue: string;
  readonly activity_type: string;
  /** A JSON Schema (2020-12) of the list of arguments. */
  readonly schema: JsonObject;
}

/** Those that were told last come first; of very many, these alone. */
export interface InspectedInputSchemas {
  readonly as_of: string;
  readonly input_schemas: readonly InspectedInputSchema[];
}
