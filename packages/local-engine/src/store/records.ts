import type { Activity, AttemptStatus, DeadlineKind, Micros } from "../engine/model.js";

/** One run of an activity: who it is, and where it stands. */
export interface RunRecord {
  /** The row; grows with every start. */
  readonly key: number;
  readonly namespace: string;
  readonly activityId: string;
  /** 1 for the first run under this id. */
  readonly runNumber: number;
  readonly runId: string;
  readonly executionId: string;
  readonly commandId: string;
  readonly activityType: string;
  readonly activityClass: string;
  readonly taskQueue: string;
  readonly businessKey: string | null;
  readonly state: Activity;
}

/** One delivery of a run's task to a worker. */
export interface AttemptRecord {
  readonly run: number;
  readonly number: number;
  readonly attemptId: string;
  readonly taskId: string;
  readonly status: AttemptStatus;
  readonly leaseOwner: string;
  /** Its place in the run's history. */
  readonly event: number;
  readonly startedAt: Micros;
  /** As it was given out; heartbeats are told by events. */
  readonly leaseExpiresAt: Micros;
  readonly lastHeartbeatAt: Micros | null;
  readonly closedAt: Micros | null;
  readonly failure: FailureRecord | null;
}

/** Why an attempt, or a run, did not succeed. */
export interface FailureRecord {
  readonly failureId: string;
  readonly category: "activity" | "timeout";
  readonly message: string;
  readonly type: string | null;
  readonly exceptionClass: string;
  readonly code: number | string;
  readonly nonRetryable: boolean;
  readonly stackTrace: string | null;
  /** As the worker sent them: an envelope, or any JSON. */
  readonly details?: unknown;
  readonly timeoutKind: DeadlineKind | null;
  /** Of a timeout. */
  readonly deadlineAt: Micros | null;
}

export type EventType =
  | "ActivityHeartbeatRecorded"
  | "ActivityRetryScheduled"
  | "ActivityFailed"
  | "ActivityTimedOut"
  | "WorkflowFailed"
  | "CancelRequested"
  | "TerminateRequested"
  | "ActivityCancelled"
  | "WorkflowCancelled"
  | "WorkflowTerminated";

/** A line of history that is kept as such. */
export interface EventRecord {
  readonly sequence: number;
  readonly type: EventType;
  readonly at: Micros;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface WorkerRecord {
  readonly namespace: string;
  readonly workerId: string;
  readonly taskQueue: string;
  readonly runtime: string;
  readonly sdkVersion: string | null;
  readonly buildId: string | null;
  readonly workflowTypes: readonly string[];
  readonly activityTypes: readonly string[];
  readonly maxWorkflowTasks: number;
  readonly maxActivityTasks: number;
  readonly registeredAt: Micros;
  readonly updatedAt: Micros;
  readonly lastHeartbeatAt: Micros;
}

export interface NamespaceRecord {
  readonly name: string;
  readonly description: string | null;
  readonly createdAt: Micros;
}

export type Bucket = "running" | "completed" | "failed";

/** Cancelled, terminated and timed-out runs are listed with the failed ones. */
export function bucketOf(status: Activity["status"]): Bucket {
  return status === "running" || status === "completed" ? status : "failed";
}
