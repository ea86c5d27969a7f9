import type { ServerCapabilities } from "../capabilities.js";
import type { PublishedContract } from "../contract-id.js";
import type { NamespacePayloadStorage } from "../external-payloads/manifest.js";
import type { ExecutorConfigContract } from "./executor-contract.js";
import type { RepairStatus } from "./repair.js";

/**
 * `GET /api/cluster/info`: what an engine is and can do. A reader must expect less: servers of other versions leave fields
 * out.
 */
export interface ClusterInfo {
  readonly server_id: string;
  /** Of the engine's product, for information: what counts are the versions of the protocols. */
  readonly version: string;
  /** The product, where it is not the server. */
  readonly engine?: string;
  readonly default_namespace: string;
  /** Of the request. Engines that take no large payloads do not say. */
  readonly namespace?: { readonly name: string; readonly external_payload_storage: NamespacePayloadStorage };
  /** Ranges of versions, by kind of client. */
  readonly supported_sdk_versions: Readonly<Record<string, string>>;
  readonly capabilities: ClusterCapabilities;
  readonly worker_fleet: WorkerFleet;
  readonly task_repair: RepairStatus;
  readonly limits: ClusterLimits;
  readonly structural_limits: { readonly payload_size_bytes: number; readonly warning_threshold_percent: number };
  readonly client_compatibility: ClientCompatibility;
  readonly auth_composition_contract: PublishedContract;
  readonly control_plane: ControlPlaneContract;
  readonly worker_protocol: WorkerProtocolContract;
}

/** What an engine does, by name; lists where a flag would not say enough. */
export interface ClusterCapabilities {
  readonly workflow_tasks: boolean;
  readonly activity_tasks: boolean;
  readonly standalone_activities: boolean;
  readonly signals: boolean;
  readonly queries: boolean;
  readonly updates: boolean;
  readonly schedules: boolean;
  readonly schedule_jitter: boolean;
  readonly schedule_max_runs: boolean;
  readonly search_attributes: boolean;
  readonly history_export: boolean;
  /** The local engine's own addition: see {@link InspectedEngine}. */
  readonly inspection?: boolean;
  /** The local engine's own addition: see {@link StartedActivity}. */
  readonly start_waits?: boolean;
  readonly continue_as_new: boolean;
  readonly child_workflows: boolean;
  readonly activity_timeouts: boolean;
  readonly activity_retry_policy: boolean;
  readonly child_workflow_retry_policy: boolean;
  readonly child_workflow_timeouts: boolean;
  readonly parent_close_policy: boolean;
  readonly non_retryable_failures: boolean;
  readonly history_retention: boolean;
  readonly payload_codec_envelope: boolean;
  readonly payload_codec_envelope_responses: boolean;
  readonly bridge_adapter_outcome_contract: boolean;
  readonly external_executor_config_contract: boolean;
  readonly invocable_carrier_contract: boolean;
  readonly payload_codecs: readonly string[];
  readonly payload_codecs_engine_specific: Readonly<Record<string, readonly string[]>>;
  readonly response_compression: readonly string[];
}

/** Null for no limit, 0 for what there is none of. */
export interface ClusterLimits {
  readonly max_payload_bytes: number;
  readonly max_memo_bytes: number;
  readonly max_search_attributes: number;
  readonly max_search_attribute_key_length: number;
  readonly max_search_attribute_value_bytes: number;
  readonly max_operation_name_length: number;
  readonly max_pending_activities: number | null;
  readonly max_pending_children: number;
}

/** The workers that were heard of lately. */
export interface WorkerFleet {
  readonly namespace: string;
  readonly active_workers: number;
  readonly active_worker_scopes: number;
  readonly queues: readonly string[];
  readonly build_ids: readonly string[];
  /** The newest ones; there may be more than are listed. */
  readonly workers: readonly FleetWorker[];
}

/** A worker, as cluster info has it. */
export interface FleetWorker {
  readonly worker_id: string;
  readonly queues: readonly string[];
  readonly build_ids: readonly string[];
  readonly recorded_at: string;
  readonly expires_at: string;
}

/** What a client must check before it relies on an engine. */
export interface ClientCompatibility extends PublishedContract {
  readonly authority: string;
  readonly top_level_version_role: string;
  readonly fail_closed: boolean;
  readonly required_protocols: {
    readonly auth_composition: PublishedContract;
    readonly control_plane: {
      readonly version: string;
      readonly header: string;
      readonly request_contract: PublishedContract;
    };
    readonly worker_protocol: {
      readonly version: string;
      readonly header: string;
      readonly external_execution_surface_contract: PublishedContract;
      readonly external_executor_config_contract: PublishedContract;
      readonly invocable_carrier_contract: PublishedContract;
      readonly external_task_input_contract: PublishedContract;
      readonly external_task_result_contract: PublishedContract;
    };
  };
  readonly clients: Readonly<
    Record<string, { readonly supported_versions: string; readonly requires: readonly string[] }>
  >;
}

/** How requests and answers of the control plane are made. */
export interface ControlPlaneContract {
  readonly version: string;
  readonly header: string;
  readonly response_contract: PublishedContract & {
    readonly contract: PublishedContract & {
      readonly legacy_field_policy: string;
      readonly legacy_fields: Readonly<Record<string, string>>;
    };
    readonly operations: Readonly<Record<string, AnsweredOperation>>;
  };
  readonly request_contract: PublishedContract & {
    readonly operations: Readonly<Record<string, RequestedOperation>>;
  };
}

/** What an engine says of the answers of one operation of its control plane. */
export interface AnsweredOperation {
  readonly operation_name_field: string | null;
  readonly required_fields: readonly string[];
  readonly success_fields: readonly string[];
}

/** What an engine says of the requests of one operation of its control plane. */
export interface RequestedOperation {
  readonly fields: Readonly<Record<string, { readonly canonical_values: readonly string[] }>>;
}

/** What the worker plane speaks, and the contracts of those whom it hands tasks to. */
export interface WorkerProtocolContract {
  readonly version: string;
  readonly server_capabilities: ServerCapabilities;
  readonly external_execution_surface_contract: PublishedContract;
  readonly external_executor_config_contract: ExecutorConfigContract;
  readonly invocable_carrier_contract: PublishedContract;
  readonly external_task_input_contract: PublishedContract;
  readonly external_task_result_contract: PublishedContract;
}
