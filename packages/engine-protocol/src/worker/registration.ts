import type { JsonObject } from "@durable-workflow/carrier/protocol";
import type { CapabilityManifest, CapabilityManifestEntry } from "../capabilities.js";
import type { ProcessMetrics, TaskSlots } from "../process-metrics.js";

/** What registrations, heartbeats of workers and polls say, and what is answered. */

export interface RegisterBody {
  readonly worker_id: string;
  readonly task_queue: string;
  /** The language that the worker's handlers are written in. */
  readonly runtime: WorkerRuntime;
  readonly sdk_version?: string;
  /** Has at least one name: newer engines take an empty list for no activity at all. */
  readonly supported_activity_types: readonly string[];
  readonly supported_workflow_types: readonly string[];
  /** Newer engines take 0 for one of the two, older ones from 1 on. */
  readonly max_concurrent_activity_tasks?: number;
  readonly max_concurrent_workflow_tasks?: number;
  readonly max_concurrent_worker_sessions?: number;
  readonly build_id?: string;
  readonly capabilities?: readonly string[];
  /** Newer engines refuse a registration without it. */
  readonly capability_manifest?: CapabilityManifest;
  readonly task_slots?: TaskSlots;
  readonly process_metrics?: ProcessMetrics;
  /** Seconds between its heartbeats. */
  readonly heartbeat_interval_seconds?: number;
}

/** The languages that an engine knows. Older engines do not know the last two. */
export const WORKER_RUNTIMES = ["php", "python", "typescript", "go", "java", "rust", "external"] as const;
/** The language of a worker, as registrations name it. */
export type WorkerRuntime = (typeof WORKER_RUNTIMES)[number];

/** How a registration is answered. Older engines leave out what is optional. */
export interface RegisterAnswer {
  readonly worker_id: string;
  readonly registered: true;
  /** 32 hexadecimal digits: whoever has it can end this registration, and no later one of the same worker. */
  readonly registration_token?: string;
  readonly namespace?: string;
  readonly task_queue?: string;
  readonly runtime?: string;
  readonly build_id?: string | null;
  readonly capabilities?: readonly string[];
  readonly capability_manifest?: Readonly<Record<string, CapabilityManifestEntry>>;
  readonly status?: string;
  /** How often the worker should send heartbeats. */
  readonly heartbeat_interval_seconds?: number;
}

/** The body of a heartbeat of a worker. */
export interface WorkerHeartbeatBody {
  readonly worker_id: string;
  readonly task_slots?: TaskSlots;
  readonly process_metrics?: ProcessMetrics;
  readonly heartbeat_interval_seconds?: number;
}

/** The answer to a heartbeat of a worker. */
export interface WorkerHeartbeatAnswer {
  readonly worker_id: string;
  readonly acknowledged: true;
  readonly heartbeat_interval_seconds?: number;
  readonly stale_after_seconds?: number;
  /** What the engine pruned meanwhile. */
  readonly retention?: {
    readonly throttled: boolean;
    readonly processed: number;
    readonly pruned: number;
    readonly skipped: number;
    readonly failed: number;
  };
}

/** The body of a request that ends a registration. */
export interface DeregisterBody {
  readonly registration_token: string;
}

/** The receipt of a registration that has ended; the same again for whoever repeats the request with its token. */
export interface DeregisterAnswer {
  readonly worker_id: string;
  /** Where it was ended by its token. */
  readonly registration_token?: string;
  readonly outcome: "deregistered";
  readonly recovered_workflow_task_count: number;
}

/**
 * What a worker knows of the arguments that its activities take. Only for an engine that has `activity_input_schemas`, which keeps
 * what it was told last of a type in a task queue.
 */
export interface InputSchemasBody {
  readonly task_queue: string;
  /** What is said of these, and of no others. */
  readonly activity_types: readonly string[];
  /** JSON Schemas (2020-12) of the list of arguments, by type. Of a type that is not there nothing is known. */
  readonly input_schemas: Readonly<Record<string, JsonObject>>;
}

/** The answer to {@link InputSchemasBody}. */
export interface InputSchemasAnswer {
  readonly task_queue: string;
  /** How many schemas are kept now, of the types that were named. */
  readonly kept: number;
}

/** The body of a poll. */
export interface PollBody {
  readonly worker_id: string;
  readonly task_queue: string;
  /** A repeat of a poll whose answer was lost says the same. Servers of 1.0 pass over it. */
  readonly poll_request_id?: string;
  /**
   * How many requests of this id were sent, and given up, before this one: what comes after its own repeat is given nothing, since
   * nobody reads its answer. Only where the engine has `activity_task_batches`. Default 0.
   */
  readonly poll_request_repeat?: number;
  /** How many seconds the poll may be held; the server has a limit of its own. Servers of 1.0 pass over it. */
  readonly timeout_seconds?: number;
  readonly build_id?: string;
  /** How many tasks the answer may bring. Only where the engine has `activity_task_batches`. Default 1. */
  readonly max_tasks?: number;
}
