import type { AvroValue } from "../../payload/value.js";
import { EXTERNAL_TASK_INPUT_SCHEMA, EXTERNAL_TASK_INPUT_VERSION } from "../../protocol/constants.js";
import type { JsonObject } from "../../protocol/fields.js";
import type {
  ActivityTaskInputEnvelope,
  DeadlinesWire,
  LeaseWire,
  WorkflowTaskInputEnvelope,
} from "../../protocol/wire.js";
import { buildTaskInput, timestampAt } from "../build-task-input.js";

const TEN_MINUTES_MS = 600_000;

export interface ActivityTaskOptions {
  /** Milliseconds since the epoch that the task is leased at; every time in the envelope follows from it. */
  readonly now: number;
  /** The activity type. */
  readonly handler: string;
  /** Positional arguments. Default: the envelope has no arguments. */
  readonly args?: readonly AvroValue[];
  /** `payloads.arguments` as it is sent, in place of `args`; broken ones too. */
  readonly payload?: JsonObject | null;
  readonly task?: Partial<ActivityTaskInputEnvelope["task"]>;
  readonly lease?: Partial<LeaseWire>;
  readonly deadlines?: Partial<DeadlinesWire>;
  readonly headers?: ActivityTaskInputEnvelope["headers"];
}

/** A task of which every run of the suite sends the same: leased for ten minutes, without deadlines unless they are given. */
export function activityTask({ handler, task, headers, ...options }: ActivityTaskOptions): ActivityTaskInputEnvelope {
  const envelope = buildTaskInput({
    ...options,
    activityType: handler,
    taskId: "conformance-task-1",
    attemptId: "conformance-attempt-1",
    taskQueue: "conformance",
    workflowId: "conformance-workflow-1",
    runId: "conformance-run-1",
    leaseMs: TEN_MINUTES_MS,
    startToCloseMs: null,
    task: { idempotency_key: "conformance-execution-1", ...task },
    lease: { owner: "conformance", ...options.lease },
  });
  return { ...envelope, headers: headers ?? {} };
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
