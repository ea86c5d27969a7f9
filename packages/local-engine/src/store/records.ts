import type { CapabilityManifestEntry, ProcessMetrics, TaskSlots } from "@durable-workflow/engine-protocol";
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

/** One lease-out of a run's task to a worker. */
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
  /** What the newest heartbeat that said anything said. */
  readonly progress: Readonly<Record<string, unknown>> | null;
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
  /** What else the worker said, and nothing decides by. */
  readonly told?: FailureRemarks;
  readonly timeoutKind: DeadlineKind | null;
  /** Of a timeout. */
  readonly deadlineAt: Micros | null;
}

/** What a worker may say of a failure beside what decides about it. What it did not say is not there. */
export interface FailureRemarks {
  readonly kind?: string;
  readonly retryable?: boolean;
  readonly timeoutType?: string;
  readonly cancelled?: boolean;
  readonly malformedOutput?: boolean;
  readonly diagnostics?: JsonObject;
  readonly runtimeDiagnostics?: JsonObject;
}

type JsonObject = Readonly<Record<string, unknown>>;

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
  /** Of this registration, and of no later one of the same worker. */
  readonly registrationToken: string;
  /** Polls that were begun under another are given nothing any more. */
  readonly fence: string;
  /** What tells its process from the next one; null where it does not say. */
  readonly processIdentity: string | null;
  readonly capabilities: readonly string[];
  readonly capabilityManifest: Readonly<Record<string, CapabilityManifestEntry>>;
  readonly maxWorkerSessions: number;
  readonly taskSlots: TaskSlots | null;
  readonly processMetrics: ProcessMetrics | null;
  /** How often it says that it sends heartbeats, in seconds. */
  readonly heartbeatInterval: number | null;
}

/** What a worker tells of itself with a heartbeat; null leaves what it told before. */
export type ToldByHeartbeat = Pick<WorkerRecord, "taskSlots" | "processMetrics" | "heartbeatInterval">;

/** A registration that is over. */
export interface EndedRegistration {
  readonly token: string;
  readonly namespace: string;
  readonly workerId: string;
  readonly how:
    | "deregistered" // taken back
    | "superseded"; // made anew
  readonly at: Micros;
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
