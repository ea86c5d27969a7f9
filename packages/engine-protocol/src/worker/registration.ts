/** What registrations, heartbeats of workers and polls say, and what is answered. */

export interface RegisterBody {
  readonly worker_id: string;
  readonly task_queue: string;
  /** The language that the worker's handlers are written in. */
  readonly runtime: WorkerRuntime;
  readonly sdk_version?: string;
  /** Never empty: newer engines take that for no activity at all. */
  readonly supported_activity_types: readonly string[];
  readonly supported_workflow_types: readonly string[];
  readonly max_concurrent_activity_tasks?: number;
  readonly max_concurrent_workflow_tasks?: number;
  readonly build_id?: string;
}

/** The languages that an engine knows. */
export const WORKER_RUNTIMES = ["php", "python", "typescript", "go", "java"] as const;
export type WorkerRuntime = (typeof WORKER_RUNTIMES)[number];

export interface RegisterAnswer {
  readonly worker_id: string;
  readonly registered: true;
}

export interface WorkerHeartbeatBody {
  readonly worker_id: string;
}

export interface WorkerHeartbeatAnswer {
  readonly worker_id: string;
  readonly acknowledged: true;
  /** What was pruned by the way. */
  readonly retention?: {
    readonly throttled: boolean;
    readonly processed: number;
    readonly pruned: number;
    readonly skipped: number;
    readonly failed: number;
  };
}

export interface DeregisterAnswer {
  readonly worker_id: string;
  readonly deregistered: true;
}

export interface PollBody {
  readonly worker_id: string;
  readonly task_queue: string;
  /** The same for a repeat of a poll whose answer was lost. Servers of 1.0 pass over it. */
  readonly poll_request_id?: string;
  /** How long to be held; the server has a limit of its own. Servers of 1.0 pass over it. */
  readonly timeout_seconds?: number;
  readonly build_id?: string;
}
