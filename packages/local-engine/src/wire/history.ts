import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { AVRO_CODEC } from "@durable-workflow/carrier/protocol";
import { PATHS } from "@durable-workflow/engine-protocol";
import { STANDALONE_WORKFLOW_TYPE } from "@durable-workflow/engine-protocol/control";
import type { ActivityStatus, Micros, TaskStatus } from "../engine/model.js";
import type { Payload } from "../store/payloads.js";
import type { AttemptRecord, EventRecord } from "../store/records.js";
import {
  activityToWire,
  attemptToWire,
  commandToWire,
  encodedException,
  exceptionToWire,
  failureHead,
  type HistorySubject,
  innerException,
  type Snapshot,
  stamp,
  stopToWire,
  taskToWire,
  timeoutToWire,
  type Wire,
} from "./history-parts.js";
import { inHistory } from "./payloads.js";
import { policyToWire } from "./policy.js";
import { timestamp } from "./time.js";

/** All that a part of a run's history is told from. */
export interface Recorded extends HistorySubject {
  readonly fingerprint: string;
  readonly result: Payload | null;
  /** Those that began in this part, with the one before them: its failure is the first one's payload. */
  readonly attempts: readonly AttemptRecord[];
  /** Of the run. */
  readonly lastAttempt: AttemptRecord | undefined;
  readonly events: readonly EventRecord[];
}

interface WireEvent {
  readonly sequence: number;
  readonly event_type: string;
  readonly timestamp: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Events of a run in their order, told from its rows: those of the part, and the first and last ones in any case. */
export function historyToWire(recorded: Recorded): readonly WireEvent[] {
  const { attempts, events } = recorded;
  return [
    ...startEvents(recorded),
    ...attempts.map((attempt) => startedEvent(recorded, attempt)),
    ...events.map((kept) => keptEvent(recorded, kept)),
    ...completionEvents(recorded),
  ].toSorted((one, other) => one.sequence - other.sequence);
}

function startEvents(recorded: Recorded): readonly WireEvent[] {
  const { run, input } = recorded;
  const at = run.state.startedAt;
  const command = commandToWire(recorded, {
    id: run.commandId,
    sequence: 1,
    type: "start",
    payload: inHistory(input),
    path: PATHS.activities,
    fingerprint: recorded.fingerprint,
    outcome: "started_new",
    acceptedAt: at,
    appliedAt: at,
  });
  const who = { workflow_class: STANDALONE_WORKFLOW_TYPE, workflow_type: STANDALONE_WORKFLOW_TYPE };
  const ids = { workflow_instance_id: run.activityId, workflow_run_id: run.runId };
  return [
    event(1, "StartAccepted", at, {
      workflow_command_id: run.commandId,
      ...ids,
      ...who,
      business_key: run.businessKey,
      visibility_labels: null,
      memo: null,
      search_attributes: null,
      outcome: "started_new",
      command,
    }),
    event(2, "WorkflowStarted", at, {
      ...who,
      ...ids,
      workflow_command_id: run.commandId,
      business_key: run.businessKey,
      command,
    }),
    event(3, "ActivityScheduled", at, {
      activity_execution_id: run.executionId,
      activity_class: run.activityClass,
      activity_type: run.activityType,
      sequence: 1,
      activity: activityToWire(recorded, { status: "pending", attemptCount: 0 }),
    }),
  ];
}

/** An attempt, with the failure that made it necessary as the payload that a retried activity is given. */
function startedEvent(recorded: Recorded, attempt: AttemptRecord): WireEvent {
  const failure = recorded.attempts.find(({ number }) => number === attempt.number - 1)?.failure;
  return event(attempt.event, "ActivityStarted", attempt.startedAt, {
    ...attemptHead(recorded, attempt.attemptId, attempt.number),
    activity: activityToWire(recorded, {
      status: "running",
      attemptCount: attempt.number,
      attemptId: attempt.attemptId,
      startedAt: attempt.startedAt,
      exception: failure ? encodeAvroValue(encodedException(failure)) : null,
    }),
    task: taskToWire(recorded, {
      id: attempt.taskId,
      status: "leased",
      availableAt: attempt.number === 1 ? recorded.run.state.startedAt : attempt.startedAt,
      leasedAt: attempt.startedAt,
      leaseOwner: attempt.leaseOwner,
      leaseExpiresAt: attempt.leaseExpiresAt,
      attemptCount: attempt.number,
    }),
  });
}

function completionEvents(recorded: Recorded): readonly WireEvent[] {
  const { run, lastAttempt: attempt } = recorded;
  const result = inHistory(recorded.result);
  const { state } = run;
  if (state.status !== "completed" || attempt === undefined) return [];
  const at = state.closedAt ?? state.lastProgressAt;
  return [
    event(state.historyLength - 1, "ActivityCompleted", at, {
      ...attemptHead(recorded, attempt.attemptId, attempt.number),
      result,
      payload_codec: AVRO_CODEC,
      activity: {
        ...activityToWire(recorded, {
          status: "completed",
          attemptCount: attempt.number,
          attemptId: attempt.attemptId,
          startedAt: attempt.startedAt,
          lastHeartbeatAt: attempt.lastHeartbeatAt,
          closedAt: at,
        }),
        result,
      },
      task: taskToWire(recorded, {
        id: attempt.taskId,
        status: "completed",
        availableAt: state.task.availableAt,
        leasedAt: attempt.startedAt,
        leaseOwner: attempt.leaseOwner,
        leaseExpiresAt: attempt.leaseExpiresAt,
        attemptCount: attempt.number,
      }),
    }),
    event(state.historyLength, "WorkflowCompleted", at, { output: result, payload_codec: AVRO_CODEC }),
  ];
}

function keptEvent(recorded: Recorded, { sequence, type, at, data }: EventRecord): WireEvent {
  const snapshot = data as unknown as Snapshot;
  const { run } = recorded;
  const head = attemptHead(recorded, snapshot.attemptId, snapshot.attemptNumber);
  const activity = (status: ActivityStatus, more: { closedAt?: Micros } = {}): Wire =>
    activityToWire(recorded, {
      status,
      attemptCount: snapshot.attemptNumber,
      attemptId: snapshot.attemptId,
      startedAt: snapshot.attemptStartedAt,
      lastHeartbeatAt: snapshot.lastHeartbeatAt,
      ...more,
    });
  const task = (status: TaskStatus): Wire =>
    taskToWire(recorded, {
      id: snapshot.taskId,
      status,
      availableAt: snapshot.availableAt,
      leasedAt: snapshot.leasedAt,
      leaseOwner: snapshot.leaseOwner,
      leaseExpiresAt: status === "leased" ? snapshot.leaseExpiresAt : null,
      attemptCount: snapshot.attemptNumber,
    });
  switch (type) {
    case "ActivityHeartbeatRecorded":
      return event(sequence, type, at, {
        ...head,
        heartbeat_at: timestamp(at),
        lease_expires_at: stamp(snapshot.leaseExpiresAt),
        activity: activity("running"),
        activity_attempt: attemptToWire(snapshot, "running"),
        ...(Object.keys(snapshot.progress ?? {}).length === 0 ? {} : { progress: snapshot.progress }),
        task: task("leased"),
      });
    case "ActivityRetryScheduled":
      return event(sequence, type, at, {
        ...headWithoutNumber(recorded, snapshot.attemptId),
        retry_task_id: snapshot.retryTaskId,
        retry_of_task_id: snapshot.taskId,
        retry_available_at: timestamp(snapshot.retryAvailableAt),
        retry_backoff_seconds: snapshot.backoff / 1_000_000,
        retry_after_attempt_id: snapshot.attemptId,
        retry_after_attempt: snapshot.attemptNumber,
        max_attempts: run.state.policy.maxAttempts,
        retry_policy: policyToWire(run.state.policy),
        ...exceptionToWire(snapshot.failure),
        activity: { ...activity("pending"), exception: innerException(snapshot.failure) },
        task: task("completed"),
      });
    case "ActivityFailed":
      return event(sequence, type, at, {
        ...head,
        ...failureHead(snapshot.failure),
        ...exceptionToWire(snapshot.failure),
        activity: { ...activity("failed", { closedAt: at }), exception: innerException(snapshot.failure) },
        task: task("leased"),
      });
    case "ActivityTimedOut":
      return event(sequence, type, at, {
        ...head,
        ...timeoutToWire(snapshot.failure),
        activity: activity("failed", { closedAt: at }),
        task: task("cancelled"),
      });
    case "WorkflowFailed":
      return event(sequence, type, at, {
        failure_id: snapshot.failure.failureId,
        source_kind: "activity_execution",
        source_id: run.executionId,
        failure_category: snapshot.failure.category,
        non_retryable: snapshot.failure.nonRetryable,
        exception_type: snapshot.failure.type,
        exception_class: snapshot.failure.exceptionClass,
        message: snapshot.failure.message,
        exception: innerException(snapshot.failure),
      });
    case "CancelRequested":
    case "TerminateRequested":
      return event(sequence, type, at, {
        ...stopHead(recorded, snapshot),
        command_type: snapshot.command.type,
        command: stopToWire(recorded, snapshot.command),
      });
    case "ActivityCancelled":
      return event(sequence, type, at, {
        workflow_command_id: snapshot.command.id,
        ...head,
        cancelled_at: timestamp(at),
        activity: activity("cancelled", { closedAt: at }),
        ...(snapshot.attemptId === null
          ? {}
          : {
              activity_attempt: {
                ...attemptToWire(snapshot, "cancelled"),
                activity_execution_id: run.executionId,
                closed_at: timestamp(at),
              },
            }),
        task: task("cancelled"),
        command: stopToWire(recorded, snapshot.command),
      });
    case "WorkflowCancelled":
    case "WorkflowTerminated": {
      const outcome = type === "WorkflowCancelled" ? "cancelled" : "terminated";
      return event(sequence, type, at, {
        ...stopHead(recorded, snapshot),
        failure_id: snapshot.failureId,
        failure_category: outcome,
        closed_reason: outcome,
        exception_class: `Workflow\\V2\\Exceptions\\${type}Exception`,
        message: `Workflow ${outcome}.`,
        command: stopToWire(recorded, snapshot.command),
      });
    }
  }
}

function event(sequence: number, type: string, at: Micros, payload: Wire): WireEvent {
  return { sequence, event_type: type, timestamp: timestamp(at), payload };
}

function headWithoutNumber({ run }: Recorded, attemptId: string | null): Wire {
  return {
    activity_execution_id: run.executionId,
    activity_attempt_id: attemptId,
    activity_class: run.activityClass,
    activity_type: run.activityType,
    sequence: 1,
  };
}

function attemptHead(recorded: Recorded, attemptId: string | null, number: number): Wire {
  return { ...headWithoutNumber(recorded, attemptId), attempt_number: number };
}

function stopHead({ run }: Recorded, { command }: Snapshot): Wire {
  return {
    workflow_command_id: command.id,
    workflow_instance_id: run.activityId,
    workflow_run_id: run.runId,
  };
}
