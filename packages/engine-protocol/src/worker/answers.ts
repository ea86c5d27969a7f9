import type { PolledTask } from "./task.js";

/** What an engine answers on the worker plane, beside what every answer carries. */

/** What every answer of the worker plane ends with. */
export interface WorkerPlaneEnd<Capabilities> {
  readonly protocol_version: string;
  readonly server_capabilities: Capabilities;
}

export type PollStatus =
  | "leased"
  | "empty" // nothing came
  | "no_activity_capability" // the worker registered no activity types: it is given nothing until it does
  | "draining" // the server wants this worker to stop polling
  | "throttled" // too many polls: again after Retry-After
  | "unavailable"; // the server cannot hand out anything now: again after Retry-After

export interface PollAnswer {
  readonly task: PolledTask | null;
  readonly poll_status: PollStatus;
}

/** What is answered of an attempt always names it so. */
export interface AttemptIds {
  readonly task_id: string;
  readonly activity_attempt_id: string;
}

/** A report that was recorded, or comes too late for that. */
export interface ReportAnswer extends AttemptIds {
  readonly outcome: "completed" | "failed";
  readonly recorded: boolean;
  readonly reason: "stale_attempt" | null;
  /** Set where the attempt was not running; servers of 1.0 do not say. */
  readonly attempt_status?: string;
  /** Of the next attempt; null where there is none. */
  readonly next_task_id?: string | null;
}

/** A report on a run that is closed already. */
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

/** A heartbeat, taken or not: a 200 also where the handler has to stop. */
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
