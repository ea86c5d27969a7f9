import type { CapabilityManifestEntry } from "../capabilities.js";
import type { ProcessMetrics, TaskSlots } from "../process-metrics.js";

/** A registration, as the control plane shows it. */
export interface RegisteredWorker {
  readonly worker_id: string;
  readonly namespace: string;
  readonly task_queue: string;
  readonly runtime: string;
  readonly sdk_version: string | null;
  readonly build_id: string | null;
  readonly supported_workflow_types: readonly string[];
  readonly workflow_definition_fingerprints: readonly unknown[];
  readonly supported_activity_types: readonly string[];
  readonly max_concurrent_workflow_tasks: number;
  readonly max_concurrent_activity_tasks: number;
  readonly status: "active" | "stale";
  readonly last_heartbeat_at: string;
  readonly registered_at: string;
  /** From here on: what newer engines show, as the worker told it. */
  readonly capabilities?: readonly string[];
  readonly capability_manifest?: Readonly<Record<string, CapabilityManifestEntry>>;
  readonly max_concurrent_worker_sessions?: number;
  readonly task_slots?: TaskSlots | null;
  readonly process_metrics?: ProcessMetrics | null;
  readonly heartbeat_interval_seconds?: number | null;
}
