import {
  CONTROL_PLANE_VERSION,
  CONTROL_PLANE_VERSION_HEADER,
  FENCING_ENDPOINT,
  FENCING_SCHEMA,
  HISTORY_PAGE,
  LONGEST_NAME,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_HEADER,
  REPORTS_ENDPOINT,
  type ServerCapabilities,
  TASK_BATCH,
  TASK_BATCHES_SCHEMA,
} from "@durable-workflow/engine-protocol";
import {
  AUTH_CONTRACT,
  type ClientCompatibility,
  type ClusterCapabilities,
  type ClusterInfo,
  CONTROL_PLANE_RESPONSE,
  type ControlPlaneContract,
  EXECUTOR_CONTRACT,
  INPUT_CONTRACT,
  INVOCABLE_CONTRACT,
  REQUEST_CONTRACT,
  RESPONSE_CONTRACT,
  RESULT_CONTRACT,
  SURFACE_CONTRACT,
  type WorkerFleet,
} from "@durable-workflow/engine-protocol/control";
import { CONFIG_SCHEMA, CONFIG_VERSION } from "@durable-workflow/engine-protocol/executor-config";
import { externalExecutorConfigContract } from "../contract/executor-config.js";
import { invocableCarrierContract } from "../contract/invocable-carrier.js";
import { authCompositionContract, externalExecutionSurfaceContract, SURFACE_NAME } from "../contract/surface.js";
import { externalTaskInputContract } from "../contract/task-input.js";
import { externalTaskResultContract } from "../contract/task-result.js";
import { MICROS_PER_SECOND } from "../engine/model.js";
import { DEFAULT_NAMESPACE, type ResolvedOptions } from "../options.js";
import { RECEIPT_SECONDS } from "../service/registrations.js";
import { LEGACY_FIELDS } from "../wire/control-plane.js";
import { payloadStorage } from "../wire/payload-manifest.js";
import { repairCandidates, repairPolicy } from "../wire/repair.js";
import { timestamp } from "../wire/time.js";
import { HEARTBEAT_SECONDS, staleAfterSeconds } from "../wire/worker.js";
import type { ApiParts } from "./parts.js";

const COMPRESSION = ["gzip", "deflate"];

/** What this engine can do, sent with every answer of the worker plane. */
export function serverCapabilities({
  longPollSeconds,
  leaseSeconds,
  shortLeaseSeconds,
  maxBodyBytes,
}: Pick<
  ResolvedOptions,
  "longPollSeconds" | "leaseSeconds" | "shortLeaseSeconds" | "maxBodyBytes"
>): ServerCapabilities {
  return {
    long_poll_timeout: longPollSeconds,
    supported_workflow_task_commands: [],
    workflow_task_poll_request_idempotency: false,
    activity_task_poll_request_idempotency: true,
    history_page_size_default: HISTORY_PAGE.default,
    history_page_size_max: HISTORY_PAGE.most,
    query_tasks: false,
    activity_retry_policy: true,
    activity_timeouts: true,
    child_workflow_retry_policy: false,
    child_workflow_timeouts: false,
    parent_close_policy: false,
    non_retryable_failures: true,
    response_compression: COMPRESSION,
    history_compression: { supported_encodings: [], compression_threshold: 0 },
    external_execution_surface: { ...SURFACE_CONTRACT, name: SURFACE_NAME },
    external_executor_config: {
      ...EXECUTOR_CONTRACT,
      config_schema: CONFIG_SCHEMA,
      config_schema_version: CONFIG_VERSION,
    },
    invocable_carrier: INVOCABLE_CONTRACT,
    external_task_input: INPUT_CONTRACT,
    external_task_result: RESULT_CONTRACT,
    runtime_external_payload_transport: true,
    poll_status: true,
    activity_lease_renewal: true,
    worker_deregistration_fencing: {
      supported: true,
      schema: FENCING_SCHEMA,
      endpoint: FENCING_ENDPOINT,
      receipt_retention_seconds: RECEIPT_SECONDS,
    },
    short_activity_leases: { supported: true, lease_seconds: Math.min(leaseSeconds, shortLeaseSeconds) },
    activity_task_batches: {
      supported: true,
      schema: TASK_BATCHES_SCHEMA,
      max_tasks: TASK_BATCH.tasks,
      reports_endpoint: REPORTS_ENDPOINT,
      max_reports: TASK_BATCH.reports,
      max_reports_bytes: Math.min(TASK_BATCH.reportsBytes, maxBodyBytes),
    },
    activity_input_schemas: true,
    worker_status: {
      supported: true,
      heartbeat_interval_seconds: HEARTBEAT_SECONDS,
      stale_after_seconds: staleAfterSeconds(longPollSeconds),
      fields: ["task_slots", "process_metrics", "heartbeat_interval_seconds"],
    },
    // What an engine of activities alone must not claim.
    cooperative_cancellation: false,
    local_activities: false,
    worker_sessions: false,
    sticky_execution: false,
  };
}

/** `GET /api/cluster/info`. What this engine does not do is false there, or not there at all. */
export function clusterInfo(parts: ApiParts, namespace: string): ClusterInfo {
  const { options, executor } = parts;
  return {
    server_id: options.serverId,
    version: "2.0.0",
    engine: "durable-workflow-local-engine",
    default_namespace: DEFAULT_NAMESPACE,
    namespace: { name: namespace, external_payload_storage: payloadStorage(options.payloads) },
    supported_sdk_versions: { php: ">=2.0,<3.0", python: ">=2.0,<3.0", rust: ">=2.0,<5.0", cli: ">=2.0,<3.0" },
    capabilities,
    worker_fleet: workerFleet(parts, namespace),
    task_repair: { policy: repairPolicy, candidates: repairCandidates(0) },
    limits: {
      max_payload_bytes: options.maxBodyBytes,
      max_memo_bytes: 0,
      max_search_attributes: 0,
      max_search_attribute_key_length: 0,
      max_search_attribute_value_bytes: 0,
      max_operation_name_length: LONGEST_NAME,
      max_pending_activities: null,
      max_pending_children: 0,
    },
    structural_limits: { payload_size_bytes: options.maxBodyBytes, warning_threshold_percent: 80 },
    client_compatibility: clientCompatibility,
    auth_composition_contract: authCompositionContract,
    control_plane: controlPlane,
    worker_protocol: {
      version: PROTOCOL_VERSION,
      server_capabilities: serverCapabilities(options),
      external_execution_surface_contract: externalExecutionSurfaceContract,
      external_executor_config_contract: externalExecutorConfigContract(executor.runtime()),
      invocable_carrier_contract: invocableCarrierContract,
      external_task_input_contract: externalTaskInputContract,
      external_task_result_contract: externalTaskResultContract,
    },
  };
}

const capabilities: ClusterCapabilities = {
  workflow_tasks: false,
  activity_tasks: true,
  standalone_activities: true,
  signals: false,
  queries: false,
  updates: false,
  schedules: false,
  schedule_jitter: false,
  schedule_max_runs: false,
  search_attributes: false,
  history_export: false,
  continue_as_new: false,
  child_workflows: false,
  activity_timeouts: true,
  activity_retry_policy: true,
  child_workflow_retry_policy: false,
  child_workflow_timeouts: false,
  parent_close_policy: false,
  non_retryable_failures: true,
  history_retention: true,
  payload_codec_envelope: true,
  payload_codec_envelope_responses: true,
  bridge_adapter_outcome_contract: false,
  external_executor_config_contract: true,
  inspection: true,
  start_waits: true,
  invocable_carrier_contract: true,
  payload_codecs: ["avro"],
  response_compression: COMPRESSION,
  payload_codecs_engine_specific: {},
};

const required = [
  "auth_composition.version",
  "control_plane.version",
  "control_plane.request_contract",
  "worker_protocol.version",
];

const clientCompatibility: ClientCompatibility = {
  schema: "durable-workflow.v2.client-compatibility",
  version: 1,
  authority: "protocol_manifests",
  top_level_version_role: "informational",
  fail_closed: true,
  required_protocols: {
    auth_composition: AUTH_CONTRACT,
    control_plane: {
      version: CONTROL_PLANE_VERSION,
      header: CONTROL_PLANE_VERSION_HEADER,
      request_contract: REQUEST_CONTRACT,
    },
    worker_protocol: {
      version: PROTOCOL_VERSION,
      header: PROTOCOL_VERSION_HEADER,
      external_execution_surface_contract: SURFACE_CONTRACT,
      external_executor_config_contract: EXECUTOR_CONTRACT,
      invocable_carrier_contract: { schema: INVOCABLE_CONTRACT.schema, version: INVOCABLE_CONTRACT.version },
      external_task_input_contract: INPUT_CONTRACT,
      external_task_result_contract: RESULT_CONTRACT,
    },
  },
  clients: {
    cli: { supported_versions: ">=2.0,<3.0", requires: required.slice(0, 3) },
    "sdk-python": { supported_versions: ">=2.0,<3.0", requires: required },
  },
};

const controlPlane: ControlPlaneContract = {
  version: CONTROL_PLANE_VERSION,
  header: CONTROL_PLANE_VERSION_HEADER,
  response_contract: {
    ...CONTROL_PLANE_RESPONSE,
    contract: {
      ...RESPONSE_CONTRACT,
      legacy_field_policy: "reject_non_canonical",
      legacy_fields: LEGACY_FIELDS,
    },
    operations: {
      history: {
        operation_name_field: null,
        required_fields: ["workflow_id", "run_id"],
        success_fields: ["next_page_token"],
      },
      cancel: { operation_name_field: null, required_fields: ["workflow_id"], success_fields: ["outcome"] },
      terminate: { operation_name_field: null, required_fields: ["workflow_id"], success_fields: ["outcome"] },
    },
  },
  request_contract: {
    ...REQUEST_CONTRACT,
    operations: { list: { fields: { status: { canonical_values: ["running", "completed", "failed"] } } } },
  },
};

/** Those heard last. The rest is counted, and listed by `GET /api/workers`. */
const MOST_FLEET_WORKERS = 500;

function workerFleet({ context, options }: ApiParts, namespace: string): WorkerFleet {
  const stale = staleAfterSeconds(options.longPollSeconds) * MICROS_PER_SECOND;
  const now = context.now();
  const { total, workers: active } = context.store.workers.heardSince(namespace, now - stale, MOST_FLEET_WORKERS);
  const builds = active.flatMap(({ buildId }) => (buildId === null ? [] : [buildId]));
  return {
    namespace,
    active_workers: total,
    active_worker_scopes: total,
    queues: [...new Set(active.map(({ taskQueue }) => taskQueue))].toSorted(),
    build_ids: [...new Set(builds)].toSorted(),
    workers: active.map((worker) => ({
      worker_id: worker.workerId,
      queues: [worker.taskQueue],
      build_ids: worker.buildId === null ? [] : [worker.buildId],
      recorded_at: timestamp(worker.lastHeartbeatAt),
      expires_at: timestamp(worker.lastHeartbeatAt + stale),
    })),
  };
}
