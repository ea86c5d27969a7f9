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
}
