import type { TaskSlots } from "@durable-workflow/engine-protocol";
import type { RegisteredWorker } from "@durable-workflow/engine-protocol/control";
import type { RegisterAnswer } from "@durable-workflow/engine-protocol/worker";
import { MICROS_PER_SECOND, type Micros } from "../engine/model.js";
import type { WorkerRecord } from "../store/records.js";
import { timestamp } from "./time.js";

/** A silent worker counts as stale after two long polls, and never before a minute. It may go on polling. */
export function staleAfterSeconds(longPollSeconds: number): number {
  return Math.max(2 * longPollSeconds, 60);
}

/** How often workers are asked to send heartbeats, in seconds: as often as the server asks for. */
export const HEARTBEAT_SECONDS = 10;

function statusOf({ lastHeartbeatAt }: WorkerRecord, now: Micros, longPollSeconds: number): "active" | "stale" {
  return lastHeartbeatAt + staleAfterSeconds(longPollSeconds) * MICROS_PER_SECOND > now ? "active" : "stale";
}

/** The answer to a registration. */
export function registeredToWire(worker: WorkerRecord, now: Micros, longPollSeconds: number): RegisterAnswer {
  return {
    worker_id: worker.workerId,
    registered: true,
    registration_token: worker.registrationToken,
    namespace: worker.namespace,
    task_queue: worker.taskQueue,
    runtime: worker.runtime,
    build_id: worker.buildId,
    capabilities: worker.capabilities,
    capability_manifest: worker.capabilityManifest,
    status: statusOf(worker, now, longPollSeconds),
    heartbeat_interval_seconds: HEARTBEAT_SECONDS,
  };
}

export function workerToWire(worker: WorkerRecord, now: Micros, longPollSeconds: number): RegisteredWorker {
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
    status: statusOf(worker, now, longPollSeconds),
    last_heartbeat_at: timestamp(worker.lastHeartbeatAt),
    registered_at: timestamp(worker.registeredAt),
    capabilities: worker.capabilities,
    capability_manifest: worker.capabilityManifest,
    max_concurrent_worker_sessions: worker.maxWorkerSessions,
    task_slots: boundedSlots(worker),
    process_metrics: worker.processMetrics,
    heartbeat_interval_seconds: worker.heartbeatInterval,
  };
}

/** No more places are free than there are. */
function boundedSlots({
  taskSlots,
  maxWorkflowTasks,
  maxActivityTasks,
  maxWorkerSessions,
}: WorkerRecord): TaskSlots | null {
  if (taskSlots === null) return null;
  const most: Required<TaskSlots> = {
    workflow_available: maxWorkflowTasks,
    activity_available: maxActivityTasks,
    session_available: maxWorkerSessions,
  };
  const names = Object.keys(most) as (keyof TaskSlots)[];
  return Object.fromEntries(
    names.flatMap((name) => {
      const free = taskSlots[name];
      return free === undefined ? [] : [[name, Math.min(free, most[name])]];
    }),
  );
}
