import type { RegisteredWorker } from "@durable-workflow/engine-protocol/control";
import { MICROS_PER_SECOND, type Micros } from "../engine/model.js";
import type { WorkerRecord } from "../store/records.js";
import { timestamp } from "./time.js";

/** A silent worker counts as stale after two long polls, and never before a minute. It may go on polling. */
export function staleAfterSeconds(longPollSeconds: number): number {
  return Math.max(2 * longPollSeconds, 60);
}

export function workerToWire(worker: WorkerRecord, now: Micros, longPollSeconds: number): RegisteredWorker {
  const staleAt = worker.lastHeartbeatAt + staleAfterSeconds(longPollSeconds) * MICROS_PER_SECOND;
  return {
    worker_id: worker.workerId,
    namespace: worker.namespace,
    task_queue: worker.taskQueue,
    runtime: worker.runtime,
    sdk_version: worker.sdkVersion,
    build_id: worker.buildId,
    supported_workflow_types: worker.workflowTypes,
    workflow_definition_fingerprints: [],
    supported_activity_types: worker.activityTypes,
    max_concurrent_workflow_tasks: worker.maxWorkflowTasks,
    max_concurrent_activity_tasks: worker.maxActivityTasks,
    status: staleAt > now ? "active" : "stale",
    last_heartbeat_at: timestamp(worker.lastHeartbeatAt),
    registered_at: timestamp(worker.registeredAt),
  };
}
