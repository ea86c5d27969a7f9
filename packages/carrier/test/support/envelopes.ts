import { isObject } from "../../src/protocol/fields.js";
import {
  type ActivityTaskInputEnvelope,
  EXTERNAL_TASK_INPUT_SCHEMA,
  EXTERNAL_TASK_INPUT_VERSION,
  EXTERNAL_TASK_RESULT_SCHEMA,
  EXTERNAL_TASK_RESULT_VERSION,
  type FailureResultEnvelope,
  type MalformedOutputResultEnvelope,
  RESULT_CONTENT_TYPE,
  type SuccessResultEnvelope,
  type WorkflowTaskInputEnvelope,
} from "../../src/protocol/index.js";

/** Section by section, the fields to change; a section that is no object (`headers: []`, `result: null`) is replaced. */
export type Changes<Envelope> = { readonly [Section in keyof Envelope]?: Partial<Envelope[Section]> };

/** A task to dim lamp 7 to level 3: Avro arguments `["lamp-7", 3]`, every deadline in the year 2999. */
export function activityTaskEnvelope(changes: Changes<ActivityTaskInputEnvelope> = {}): ActivityTaskInputEnvelope {
  const envelope: ActivityTaskInputEnvelope = {
    schema: EXTERNAL_TASK_INPUT_SCHEMA,
    version: EXTERNAL_TASK_INPUT_VERSION,
    task: {
      id: "task-lamp-7",
      kind: "activity_task",
      attempt: 2,
      activity_attempt_id: "attempt-lamp-7-b",
      task_queue: "lamps",
      handler: "lamps.dim",
      connection: null,
      idempotency_key: "execution-lamp-7",
    },
    workflow: { id: "evening-routine", run_id: "run-evening-1" },
    lease: {
      owner: "carrier-cellar",
      expires_at: "2999-06-01T12:30:00.000000Z",
      heartbeat_endpoint: "/api/worker/activity-tasks/task-lamp-7/heartbeat",
    },
    payloads: { arguments: { codec: "avro", blob: "wwHioz3/VYAiNwwECgxsYW1wLTcEBgA=" } },
    deadlines: {
      schedule_to_start: "2999-06-01T12:05:00.000000Z",
      start_to_close: "2999-06-01T12:20:00.000000Z",
      schedule_to_close: "2999-06-01T13:00:00.000000Z",
      heartbeat: "2999-06-01T12:10:00.000000Z",
    },
    headers: { traceparent: "00-11112222333344445555666677778888-9999aaaabbbbcccc-01" },
  };
  return change(envelope, changes);
}

export function workflowTaskEnvelope(changes: Changes<WorkflowTaskInputEnvelope> = {}): WorkflowTaskInputEnvelope {
  const envelope: WorkflowTaskInputEnvelope = {
    schema: EXTERNAL_TASK_INPUT_SCHEMA,
    version: EXTERNAL_TASK_INPUT_VERSION,
    task: {
      id: "task-evening-4",
      kind: "workflow_task",
      attempt: 1,
      task_queue: "routines",
      handler: "routines.evening",
      connection: "cellar",
      compatibility: "build-2999-06",
      idempotency_key: "task-evening-4:1",
    },
    workflow: {
      id: "evening-routine",
      run_id: "run-evening-1",
      status: "waiting",
      resume: { workflow_wait_kind: "timer", timer_id: "timer-dusk" },
    },
    lease: {
      owner: "runtime-attic",
      expires_at: "2999-06-01T12:30:00.000000Z",
      heartbeat_endpoint: "/api/worker/workflow-tasks/task-evening-4/heartbeat",
    },
    payloads: { arguments: null },
    history: {
      events: [{ event_type: "WorkflowStarted", sequence: 1 }],
      last_sequence: 5,
      next_page_token: null,
      encoding: null,
    },
    headers: [],
  };
  return change(envelope, changes);
}

/** Speaks for the task of {@link activityTaskEnvelope}; the payload is Avro `"shipped"`. */
export function successEnvelope(changes: Changes<SuccessResultEnvelope> = {}): SuccessResultEnvelope {
  const envelope: SuccessResultEnvelope = {
    ...resultHead(),
    outcome: { status: "succeeded", recorded: true },
    result: {
      payload: { codec: "avro", blob: "wwHioz3/VYAiNwoOc2hpcHBlZA==" },
      metadata: { content_type: RESULT_CONTENT_TYPE },
    },
  };
  return change(envelope, changes);
}

/** A retryable application error; the details are Avro `{"shelf": "B4"}`. */
export function failureEnvelope(changes: Changes<FailureResultEnvelope> = {}): FailureResultEnvelope {
  const envelope: FailureResultEnvelope = {
    ...resultHead(),
    outcome: { status: "failed", retryable: true, recorded: true },
    failure: {
      kind: "application",
      classification: "application_error",
      message: "The lamp does not answer.",
      type: "LampOffline",
      stack_trace: "LampOffline: The lamp does not answer.\n    at dim (lamps.js:7:3)",
      timeout_type: null,
      cancelled: false,
      details: { codec: "avro", blob: "wwHioz3/VYAiNw4CCnNoZWxmCgRCNAA=" },
    },
  };
  return change(envelope, changes);
}

export function malformedOutputEnvelope(
  changes: Changes<MalformedOutputResultEnvelope> = {},
): MalformedOutputResultEnvelope {
  const envelope: MalformedOutputResultEnvelope = {
    ...resultHead(),
    outcome: { status: "failed", retryable: false, recorded: false },
    failure: {
      kind: "malformed_output",
      classification: "malformed_output",
      message: "The carrier answered with a page.",
      type: "MalformedOutput",
      stack_trace: null,
      timeout_type: null,
      cancelled: false,
      details: null,
    },
    raw_output: { status: 502, body_preview: "<h1>Bad gateway</h1>" },
  };
  return change(envelope, changes);
}

function resultHead(): Pick<SuccessResultEnvelope, "schema" | "version" | "task" | "metadata"> {
  return {
    schema: EXTERNAL_TASK_RESULT_SCHEMA,
    version: EXTERNAL_TASK_RESULT_VERSION,
    task: { id: "task-lamp-7", kind: "activity_task", attempt: 2, idempotency_key: "execution-lamp-7" },
    metadata: { handler: "lamps.dim", carrier: "carrier-cellar", duration_ms: 250 },
  };
}

function change<Envelope extends object>(envelope: Envelope, changes: Changes<Envelope>): Envelope {
  const before = new Map<string, unknown>(Object.entries(envelope));
  const changed = Object.entries(changes).map(([section, value]) => {
    const base = before.get(section);
    return [section, isObject(base) && isObject(value) ? { ...base, ...value } : value] as const;
  });
  return { ...envelope, ...Object.fromEntries(changed) };
}

/**
 * A copy of a JSON document with one field replaced, or left out where the value is `undefined`: for documents that no
 * envelope type allows.
 *
 * @param path keys from the document down, joined by dots or as a list; empty for the document itself
 */
export function withField(document: unknown, path: string | readonly string[], value: unknown): unknown {
  const keys = typeof path === "string" ? path.split(".").filter((key) => key !== "") : path;
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  if (Array.isArray(document)) {
    return document.map((item: unknown, index) => (String(index) === key ? withField(item, rest, value) : item));
  }
  const object = isObject(document) ? document : {};
  const changed = withField(object[key], rest, value);
  if (changed !== undefined) return { ...object, [key]: changed };
  const { [key]: _, ...others } = object;
  return others;
}
