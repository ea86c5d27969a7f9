import { payloadEnvelope } from "../payload/envelope.js";
import type { AvroValue } from "../payload/value.js";
import { EXTERNAL_TASK_INPUT_SCHEMA, EXTERNAL_TASK_INPUT_VERSION } from "../protocol/constants.js";
import type { JsonObject } from "../protocol/fields.js";
import { formatTimestamp } from "../protocol/timestamps.js";
import type {
  ActivityTaskInputEnvelope,
  DeadlinesWire,
  LeaseWire,
  PayloadEnvelope,
  WorkflowTaskInputEnvelope,
} from "../protocol/wire.js";

const TEN_MINUTES_MS = 600_000;

export interface ActivityTaskOptions {
  /** Milliseconds since the epoch that the task is leased at; every time in the envelope follows from it. */
  readonly now: number;
  /** The activity type. */
  readonly handler: string;
  /** Positional arguments, encoded as one Avro list. Default: the envelope has no arguments. */
  readonly args?: readonly AvroValue[];
  /** `payloads.arguments` as it is sent, in place of `args`; broken ones too. */
  readonly payload?: JsonObject | null;
  readonly task?: Partial<ActivityTaskInputEnvelope["task"]>;
  readonly lease?: Partial<LeaseWire>;
  readonly deadlines?: Partial<DeadlinesWire>;
  readonly headers?: ActivityTaskInputEnvelope["headers"];
}

/** An activity task as an engine sends it: leased for ten minutes, without deadlines unless they are given. */
export function activityTask(options: ActivityTaskOptions): ActivityTaskInputEnvelope {
  const { now, handler, args, payload } = options;
  return {
    schema: EXTERNAL_TASK_INPUT_SCHEMA,
    version: EXTERNAL_TASK_INPUT_VERSION,
    task: {
      id: "conformance-task-1",
      kind: "activity_task",
      attempt: 1,
      activity_attempt_id: "conformance-attempt-1",
      task_queue: "conformance",
      handler,
      connection: null,
      idempotency_key: "conformance-execution-1",
      ...options.task,
    },
    workflow: { id: "conformance-workflow-1", run_id: "conformance-run-1" },
    lease: {
      owner: "conformance",
      expires_at: timestampAt(now, TEN_MINUTES_MS),
      heartbeat_endpoint: "/api/worker/activity-tasks/conformance-task-1/heartbeat",
      ...options.lease,
    },
    payloads: { arguments: argumentsOf(args, payload) },
    deadlines: {
      schedule_to_start: null,
      start_to_close: null,
      schedule_to_close: null,
      heartbeat: null,
      ...options.deadlines,
    },
    headers: options.headers ?? {},
  };
}

function argumentsOf(
  args: readonly AvroValue[] | undefined,
  payload: JsonObject | null | undefined,
): PayloadEnvelope | null {
  // An envelope that is sent on purpose although no payload is like it.
  if (payload !== undefined) return payload as PayloadEnvelope | null;
  return args === undefined ? null : payloadEnvelope(args);
}

/** A workflow task as an engine sends it to runtimes that replay workflows. */
export function workflowTask(now: number): WorkflowTaskInputEnvelope {
  return {
    schema: EXTERNAL_TASK_INPUT_SCHEMA,
    version: EXTERNAL_TASK_INPUT_VERSION,
    task: {
      id: "conformance-task-2",
      kind: "workflow_task",
      attempt: 1,
      task_queue: "conformance",
      handler: "conformance.workflow",
      connection: null,
      compatibility: null,
      idempotency_key: "conformance-task-2:1",
    },
    workflow: { id: "conformance-workflow-1", run_id: "conformance-run-1", status: "waiting", resume: {} },
    lease: {
      owner: "conformance",
      expires_at: timestampAt(now, TEN_MINUTES_MS),
      heartbeat_endpoint: "/api/worker/workflow-tasks/conformance-task-2/heartbeat",
    },
    payloads: { arguments: null },
    history: {
      events: [{ event_type: "WorkflowStarted", sequence: 1 }],
      last_sequence: 1,
      next_page_token: null,
      encoding: null,
    },
    headers: {},
  };
}

/** The instant `offsetMs` after `now`, with microseconds as engines write them. */
export function timestampAt(now: number, offsetMs: number): string {
  return formatTimestamp(now + offsetMs).replace("Z", "000Z");
}
