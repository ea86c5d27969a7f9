import type { RegisteredWorker } from "@durable-workflow/engine-protocol/control";
import type { Worker } from "../api/index.js";
import { cutText } from "../text.js";

const MOST_TYPES = 200;

/** @param leases how many leases each worker holds, by its id; undefined where the engine does not tell */
export function workerOf(told: RegisteredWorker, leases: ReadonlyMap<string, number> | undefined): Worker {
  const slots = told.max_concurrent_activity_tasks;
  const running = leases === undefined ? null : (leases.get(told.worker_id) ?? 0);
  const free = told.task_slots?.activity_available;
  const isFull = running !== null ? running >= slots : free === 0;
  return {
    id: told.worker_id,
    queue: told.task_queue,
    runtime: cutText(told.runtime, 64),
    sdkVersion: told.sdk_version,
    buildId: told.build_id,
    types: told.supported_activity_types.slice(0, MOST_TYPES),
    slots,
    running,
    state: told.status !== "active" ? "silent" : isFull ? "full" : "asking",
    lastHeardAt: told.last_heartbeat_at,
    registeredAt: told.registered_at,
  };
}

/** Whether a worker takes a type. One that names no types takes none from this project's engine, and any from others. */
export function takes({ types }: Worker, type: string): boolean {
  return types.includes(type);
}
