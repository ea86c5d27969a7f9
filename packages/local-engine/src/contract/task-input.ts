import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import {
  type ActivityTaskInputEnvelope,
  AVRO_CODEC,
  EXTERNAL_TASK_INPUT_MEDIA_TYPE,
  EXTERNAL_TASK_INPUT_SCHEMA,
  EXTERNAL_TASK_INPUT_VERSION,
  type ExternalTaskInputEnvelope,
  type WorkflowTaskInputEnvelope,
} from "@durable-workflow/carrier/protocol";
import { PATHS, pathTo } from "@durable-workflow/engine-protocol";
import { INPUT_CONTRACT, type PublishedArtifact } from "@durable-workflow/engine-protocol/control";
import { artifact } from "./artifacts.js";
import { UNKNOWN_FIELDS, versioning } from "./common.js";

const text = (source: string): object => ({ source, type: "string" });
const nullable = (source: string): object => ({ source, nullable: true });

const LEASE_FIELDS = {
  owner: text("task.lease_owner"),
  expires_at: { ...text("task.lease_expires_at"), format: "date-time" },
  heartbeat_endpoint: text("worker protocol route"),
};
const WORKFLOW_FIELDS = { id: text("task.workflow_id"), run_id: text("task.run_id") };
const TASK_FIELDS = {
  id: text("task.task_id"),
  attempt: { source: "task.attempt_number", type: "integer", minimum: 1 },
  task_queue: text("task.task_queue"),
  connection: { ...text("task.connection"), nullable: true },
};

const activityTask = {
  kind: "activity_task",
  scope: "activity_grade_external_execution",
  external_execution_role: "activity_grade_handler_input",
  required_fields: ["schema", "version", "task", "workflow", "lease", "payloads", "deadlines", "headers"],
  task_fields: {
    ...TASK_FIELDS,
    kind: { constant: "activity_task" },
    activity_attempt_id: text("task.activity_attempt_id"),
    handler: text("task.activity_type"),
    external_executor: {
      source: "task.external_executor",
      type: "object",
      nullable: true,
      meaning: "The entry of the external executor config for this activity, where there is one.",
    },
    idempotency_key: text("task.activity_attempt_id"),
  },
  workflow_fields: WORKFLOW_FIELDS,
  lease_fields: LEASE_FIELDS,
  payload_fields: { arguments: nullable("task.arguments") },
  deadline_fields: {
    schedule_to_start: nullable("task.deadlines.schedule_to_start"),
    start_to_close: nullable("task.deadlines.start_to_close"),
    schedule_to_close: nullable("task.deadlines.schedule_to_close"),
    heartbeat: nullable("task.deadlines.heartbeat"),
  },
  intentionally_omitted: ["history of the run", "identity of the engine's process", "headers of the transport"],
  boundary: {
    workflow_replay: "not_exposed_to_handler",
    history_interpretation: "not_exposed_to_handler",
    external_carrier_use: "execute_bounded_activity_handler_and_return_external_task_result",
  },
};

const workflowTask = {
  kind: "workflow_task",
  scope: "worker_protocol_runtime",
  external_execution_role: "not_activity_grade_handler_input",
  required_fields: ["schema", "version", "task", "workflow", "lease", "payloads", "history", "headers"],
  task_fields: {
    ...TASK_FIELDS,
    kind: { constant: "workflow_task" },
    handler: { ...text("task.workflow_type"), nullable: true },
    compatibility: { ...text("task.compatibility"), nullable: true },
    idempotency_key: text("task.task_id"),
  },
  workflow_fields: {
    ...WORKFLOW_FIELDS,
    status: { ...text("task.run_status"), nullable: true },
    resume: { source: "task.resume", type: "object" },
  },
  lease_fields: LEASE_FIELDS,
  payload_fields: { arguments: nullable("task.arguments") },
  history_fields: {
    events: { type: "array" },
    last_sequence: { type: "integer" },
    next_page_token: { type: "string", nullable: true },
    encoding: { type: "string", nullable: true },
  },
};

const LEASE = {
  owner: "worker-7",
  expires_at: "2026-03-02T08:05:00.000000Z",
  heartbeat_endpoint: pathTo(PATHS.heartbeat, { task: "01kjpx5w3h8m2v0c9r4t6y1b7d" }),
};
const WORKFLOW = { id: "reindex-catalogue", run_id: "01kjpx5w0n5q7s9d2f4g6h8j0k" };
const ARGUMENTS = { codec: AVRO_CODEC, blob: encodeAvroValue(["catalogue", { shards: 4 }]) };

const activityExample: ActivityTaskInputEnvelope = {
  schema: EXTERNAL_TASK_INPUT_SCHEMA,
  version: EXTERNAL_TASK_INPUT_VERSION,
  task: {
    id: "01kjpx5w3h8m2v0c9r4t6y1b7d",
    kind: "activity_task",
    attempt: 1,
    activity_attempt_id: "01KJPX5W6T4K8N2P0R9S7V5X3Z",
    task_queue: "search",
    handler: "search.reindex",
    connection: null,
    idempotency_key: "01KJPX5W6T4K8N2P0R9S7V5X3Z",
  },
  workflow: WORKFLOW,
  lease: LEASE,
  payloads: { arguments: ARGUMENTS },
  deadlines: {
    schedule_to_start: null,
    start_to_close: "2026-03-02T08:10:00.000000Z",
    schedule_to_close: null,
    heartbeat: "2026-03-02T08:00:30.000000Z",
  },
  headers: { traceparent: "00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01" },
};

const workflowExample: WorkflowTaskInputEnvelope = {
  schema: EXTERNAL_TASK_INPUT_SCHEMA,
  version: EXTERNAL_TASK_INPUT_VERSION,
  task: {
    id: "01kjpx5w9e2d4f6g8h0j1k3m5n",
    kind: "workflow_task",
    attempt: 1,
    task_queue: "search",
    handler: "search.nightly",
    connection: null,
    compatibility: null,
    idempotency_key: "01kjpx5w9e2d4f6g8h0j1k3m5n",
  },
  workflow: { ...WORKFLOW, status: "running", resume: {} },
  lease: { ...LEASE, heartbeat_endpoint: pathTo(PATHS.workflowTaskHeartbeat, { task: "01kjpx5w9e2d4f6g8h0j1k3m5n" }) },
  payloads: { arguments: ARGUMENTS },
  history: { events: [], last_sequence: 0, next_page_token: null, encoding: null },
  headers: {},
};

function fixture<Example extends ExternalTaskInputEnvelope>(
  name: string,
  example: Example,
): PublishedArtifact<Example> {
  return artifact(
    EXTERNAL_TASK_INPUT_SCHEMA,
    EXTERNAL_TASK_INPUT_VERSION,
    EXTERNAL_TASK_INPUT_MEDIA_TYPE,
    name,
    example,
  );
}

/** What a carrier is sent. Workflow tasks are described for readers of the contract; this engine has none. */
export const externalTaskInputContract = {
  ...INPUT_CONTRACT,
  unknown_field_policy: UNKNOWN_FIELDS,
  versioning,
  payload_support: {
    inline: "Payloads come as envelopes of codec and blob.",
    external_storage: "A handler that cannot fetch a reference fails the task with unsupported_payload_reference.",
    unsupported_codec: "A handler that cannot read the codec fails the task with unsupported_payload_codec.",
  },
  scope: {
    activity_grade_external_execution: {
      task_kinds: ["activity_task"],
      fixture_keys: ["activity_task"],
      carrier_expectation: "Carriers run these: one bounded handler call for each.",
    },
    worker_protocol_runtime: {
      task_kinds: ["workflow_task"],
      fixture_keys: ["workflow_task"],
      carrier_expectation: "For runtimes that replay workflows; carriers refuse them.",
    },
  },
  envelopes: { workflow_task: workflowTask, activity_task: activityTask },
  fixtures: {
    workflow_task: fixture("workflow-task", workflowExample),
    activity_task: fixture("activity-task", activityExample),
  },
};
