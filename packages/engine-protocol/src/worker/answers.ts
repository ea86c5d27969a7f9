import type { PolledTask, TaskDeadlines } from "./task.js";

/** What an engine answers on the worker plane, beside what every answer carries. */

/** What every answer of the worker plane ends with. */
export interface WorkerPlaneEnd<Capabilities> {
  readonly protocol_version: string;
  readonly server_capabilities: Capabilities;
}

/** What became of a poll. */
export type PollStatus =
  | "leased"
  | "empty" // nothing came
  | "no_activity_capability" // the worker registered no activity types: it is given nothing until it does
  | "draining" // the server wants this worker to stop polling
  | "throttled" // too many polls: again after Retry-After
  | "unavailable" // the server cannot hand out anything now: again after Retry-After
  | "timeout" // as empty
  | "rejected" // the next task is not for this worker
  | "stale_worker_registration" // the registration changed while the poll waited
  | "long_poll_capacity_exhausted" // too many polls, of newer servers: again after Retry-After
  | "storage_pressure" // the storage takes nothing: the same poll again after Retry-After
  | "storage_admission_unavailable"
  | "backend_unavailable" // a task may have been leased: the same poll again after Retry-After
  | "backend_lock_pressure";

/** The answer to a poll. */
export interface PollAnswer {
  readonly task: PolledTask | null;
  readonly poll_status: PollStatus;
  /** The server's clock, at or after the claim. There where leases are renewed. */
  readonly server_time?: string;
  /** Tasks beyond the first, for a poll that asked for several. */
  readonly more_tasks?: readonly PolledTask[];
  /** Whether the answer ended before the tasks did. Said where several were asked for. */
  readonly has_more?: boolean;
}

/** Every answer about an attempt names it so. */
export interface AttemptIds {
  readonly task_id: string;
  readonly activity_attempt_id: string;
}

/** How a report is answered that was recorded, or came too late for that. */
export interface ReportAnswer extends AttemptIds {
  readonly outcome: "completed" | "failed";
  readonly recorded: boolean;
  readonly reason: "stale_attempt" | null;
  /** Set where the attempt was not running; older servers do not say. */
  readonly attempt_status?: string;
  readonly activity_status?: string;
  readonly task_status?: string;
  readonly lease_owner?: string;
  /** The task of the next attempt; null where there is none. */
  readonly next_task_id?: string | null;
}

/** How a report on a run is answered that is closed already. */
export interface IgnoredAnswer extends AttemptIds {
  readonly outcome: "ignored";
  readonly recorded: false;
  readonly reason: string;
  readonly error: string;
  readonly next_task_id?: null;
  readonly cancel_requested?: boolean;
  readonly can_continue?: boolean;
  readonly run_status?: string;
  readonly run_closed_reason?: string | null;
  readonly run_closed_at?: string | null;
  readonly activity_status?: string;
  readonly attempt_status?: string;
  readonly task_status?: string;
  readonly lease_owner?: string;
  readonly lease_expires_at?: null;
}

/** What the route of one report would have answered. */
export interface ReportReply {
  readonly status: number;
  readonly body: object;
  /** Its `Retry-After`, where it would have had one. */
  readonly retry_after?: string;
}

/** The answer to a request with several reports: one for each, in their order. */
export interface ReportsAnswer {
  readonly reports: readonly ReportReply[];
}

/** How a heartbeat is answered, whether it was taken or not: with 200 also where the handler has to stop. */
export interface TaskHeartbeatAnswer extends AttemptIds {
  readonly lease_owner: string;
  readonly cancel_requested: boolean;
  readonly can_continue: boolean;
  readonly reason: string | null;
  readonly run_closed_reason: string | null;
  readonly run_closed_at?: string | null;
  readonly heartbeat_recorded: boolean;
  readonly lease_expires_at: string | null;
  readonly last_heartbeat_at?: string | null;
}

/** A lease that was renewed: nothing else of the attempt has changed. */
export interface LeaseRenewalAnswer
  extends AttemptIds,
    Readonly<
      Record<"workflow_task_id" | "workflow_instance_id" | "workflow_run_id" | "activity_execution_id", string>
    > {
  readonly lease_owner: string;
  readonly attempt_number: number;
  readonly lease_renewed: boolean;
  readonly can_continue: boolean;
  readonly cancel_requested: boolean;
  readonly heartbeat_recorded: false;
  /** Why it was not renewed. */
  readonly reason: string | null;
  readonly server_time: string;
  readonly lease_expires_at: string | null;
  readonly last_heartbeat_at: string | null;
  readonly heartbeat_deadline_at: string | null;
}

/** How an attempt stands. Asking changes nothing. */
export interface AttemptStatusAnswer extends AttemptIds {
  readonly lease_owner: string;
  readonly can_continue: boolean;
  readonly cancel_requested: boolean;
  readonly reason: string | null;
  readonly heartbeat_recorded: false;
  readonly lease_expires_at: string | null;
  readonly last_heartbeat_at: string | null;
  readonly run_status: string;
  readonly run_closed_reason: string | null;
  readonly run_closed_at: string | null;
  readonly activity_status: string;
  readonly attempt_status: string;
  readonly task_status: string;
  readonly deadlines: TaskDeadlines | null;
  readonly worker_session: null;
}

/** Nothing was recorded, and the same bytes can be sent again: 503 of newer servers. */
export interface StorageRefusal {
  readonly reason: "storage_pressure" | "storage_admission_unavailable";
  readonly storage_state: "draining" | "fenced";
  readonly message: string;
  readonly retryable: true;
  readonly retry_after_seconds: number;
  readonly request_admitted: false;
}

/** Of a poll. */
export interface PollStorageRefusal extends StorageRefusal {
  readonly task: null;
  readonly poll_status: StorageRefusal["reason"];
  readonly poll_request_id: string | null;
  readonly retry_same_poll_request_id: true;
  readonly claim_admitted: false;
}

/** What a server was about when it could not say how it went: 503 `backend_unavailable`. */
export type BackendOperation =
  | "poll_activity_task"
  | "poll_workflow_task"
  | "poll_query_task"
  | "register_worker"
  | "heartbeat_worker"
  | "complete_activity_task"
  | "deregister_worker";

/** It may have been done, or not: 503 of newer servers. The same request can be sent again. */
export interface OutcomeUnknown {
  readonly reason: "backend_unavailable" | "backend_lock_pressure";
  readonly operation: BackendOperation;
  readonly outcome: "unknown";
  readonly message?: string;
  readonly worker_id: string;
  /** Null where the operation has none. */
  readonly task_queue?: string | null;
  readonly retryable: true;
  readonly retry_after_seconds: number;
}

/** Too many polls wait already: 429. */
export interface PollCapacityRefusal {
  readonly task: null;
  readonly poll_status: "long_poll_capacity_exhausted";
  readonly reason: "long_poll_capacity_exhausted";
  readonly error: string;
  readonly namespace: string;
  readonly task_queue: string;
  readonly task_kind: "activity_task" | "workflow_task" | "query_task";
  readonly wait_pool: "worker";
  readonly retry_after_seconds: number;
  readonly retryable: true;
}
