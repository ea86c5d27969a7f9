import type { PublishedContract } from "./contract-id.js";
import { SINCE } from "./version.js";

/** What a server can do: `server_capabilities` of every answer of the worker plane. */
export interface ServerCapabilities {
  /** Seconds that a poll is held at most. */
  readonly long_poll_timeout: number;
  readonly supported_workflow_task_commands: readonly string[];
  readonly workflow_task_poll_request_idempotency: boolean;
  readonly activity_task_poll_request_idempotency: boolean;
  readonly history_page_size_default: number;
  readonly history_page_size_max: number;
  readonly query_tasks: boolean;
  readonly activity_retry_policy: boolean;
  readonly activity_timeouts: boolean;
  readonly child_workflow_retry_policy: boolean;
  readonly child_workflow_timeouts: boolean;
  readonly parent_close_policy: boolean;
  readonly non_retryable_failures: boolean;
  readonly response_compression: readonly string[];
  readonly history_compression: {
    readonly supported_encodings: readonly string[];
    readonly compression_threshold: number;
  };
  readonly external_execution_surface: PublishedContract & { readonly name: string };
  readonly external_executor_config: PublishedContract & {
    readonly config_schema: string;
    readonly config_schema_version: number;
  };
  readonly invocable_carrier: PublishedContract;
  readonly external_task_input: PublishedContract;
  readonly external_task_result: PublishedContract;
  /** Large payloads are uploaded to the engine. What counts is the manifest in cluster info; servers have put that here too. */
  readonly runtime_external_payload_transport?: boolean;
  /** Every answer to a poll has a `poll_status`. */
  readonly poll_status?: boolean;
  /** Leases are kept by `renew-lease`. Said in every answer, or in none. */
  readonly activity_lease_renewal?: boolean;
  readonly worker_deregistration_fencing?: DeregistrationFencing;
  readonly short_activity_leases?: ShortLeases;
  readonly activity_task_batches?: TaskBatches;
  /**
   * Workers may tell what the arguments of their activities look like. An addition of the local engine's: no released server says
   * it, and none is told.
   */
  readonly activity_input_schemas?: boolean;
  readonly worker_status?: WorkerStatusCapability;
  readonly cooperative_cancellation?: boolean;
  readonly worker_sessions?: boolean;
  readonly local_activities?: boolean;
  readonly sticky_execution?: boolean;
}

/** A registration has a token, and ends by `.../deregister` with it, once and with a receipt. */
export interface DeregistrationFencing {
  readonly supported: boolean;
  readonly schema: string;
  /** Without the `/api` before it. */
  readonly endpoint: string;
  /** How long the receipt is sent again, in seconds. */
  readonly receipt_retention_seconds: number;
}

/**
 * Workers that register the capability {@link SHORT_LEASES} get shorter leases, as those who renew them need no longer ones: what a
 * dead one held is handed out again sooner. An addition of the local engine's: no released server says it.
 */
export interface ShortLeases {
  readonly supported: boolean;
  /** How long such a lease lasts, from each renewal or heartbeat on. */
  readonly lease_seconds: number;
}

/** What a worker says in `capabilities` of its registration when it renews leases, to an engine that has `short_activity_leases`. */
export const SHORT_LEASES = "short_activity_leases";

/** `schema` of the capability by which an engine ends registrations. */
export const FENCING_SCHEMA = "durable-workflow.v2.worker-deregistration.v1";
/** The path under `/api` at which an engine says that registrations are ended. */
export const FENCING_ENDPOINT = "/worker/registrations/{workerId}/deregister";

/**
 * A poll may ask for several tasks, and one request may carry several reports. An addition of the local engine's: no released
 * server says it, and without it each task is polled for and reported by itself.
 */
export interface TaskBatches {
  readonly supported: boolean;
  readonly schema: string;
  /** The most that `max_tasks` of a poll may say. */
  readonly max_tasks: number;
  /** Where several reports go, without the `/api` before it. */
  readonly reports_endpoint: string;
  /** The most reports in one request. */
  readonly max_reports: number;
  /** The most bytes that the body of such a request should have. */
  readonly max_reports_bytes: number;
}

/** `schema` of the capability by which an engine hands out and takes several tasks at once. */
export const TASK_BATCHES_SCHEMA = "durable-workflow.local-engine.activity-task-batches.v1";
/** The path under `/api` at which an engine says that several reports are taken. */
export const REPORTS_ENDPOINT = "/worker/activity-tasks/reports";

/** What workers may tell of themselves with each heartbeat, and how often they should. */
export interface WorkerStatusCapability {
  readonly supported: boolean;
  readonly heartbeat_interval_seconds: number;
  readonly stale_after_seconds: number;
  readonly fields: readonly string[];
}

/** Capabilities of workers whose support is told twice, in `capabilities` and in `capability_manifest`. */
export const MANIFEST_CAPABILITIES = ["local_activities", "worker_sessions", "sticky_execution"] as const;
/** The name of a capability that workers say of themselves. */
export type ManifestCapability = (typeof MANIFEST_CAPABILITIES)[number];

/** What a worker says of one capability when it registers. */
export interface CapabilityManifestEntry {
  readonly supported: boolean;
  readonly minimum_protocol_version: string;
  readonly implementation?: string;
  readonly reason?: string;
}

/** `capability_manifest` of a registration. Entries beyond the three are allowed. */
export type CapabilityManifest = Readonly<Record<ManifestCapability, CapabilityManifestEntry>> &
  Readonly<Record<string, CapabilityManifestEntry>>;

/** The manifest of a worker that runs activities and nothing else. */
export const ACTIVITIES_ONLY: CapabilityManifest = Object.freeze({
  local_activities: unsupported("activities are run one by one"),
  worker_sessions: unsupported("no sessions are kept"),
  sticky_execution: unsupported("no workflows are run"),
});

function unsupported(reason: string): CapabilityManifestEntry {
  return Object.freeze({ supported: false, minimum_protocol_version: SINCE.capabilityManifest, reason });
}
