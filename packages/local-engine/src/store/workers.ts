import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";
import type { WorkerRecord } from "./records.js";

interface WorkerRow {
  readonly namespace: string;
  readonly worker_id: string;
  readonly task_queue: string;
  readonly runtime: string;
  readonly sdk_version: string | null;
  readonly build_id: string | null;
  readonly workflow_types: string;
  readonly activity_types: string;
  readonly max_workflow_tasks: number;
  readonly max_activity_tasks: number;
  readonly registered_at: number;
  readonly updated_at: number;
  readonly last_heartbeat_at: number;
}

/** Registrations of workers. */
export class Workers {
  private readonly upsert: Statement<never>;
  private readonly select: Statement<WorkerRow>;
  private readonly selectAll: Statement<WorkerRow>;
  private readonly touchWorker: Statement<never>;
  private readonly deleteWorker: Statement<never>;
  private readonly deleteSilent: Statement<never>;

  constructor(db: Connection) {
    this.upsert = db.prepare(
      `INSERT INTO workers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (namespace, worker_id) DO UPDATE SET task_queue = excluded.task_queue, runtime = excluded.runtime,
         sdk_version = excluded.sdk_version, build_id = excluded.build_id, workflow_types = excluded.workflow_types,
         activity_types = excluded.activity_types, max_workflow_tasks = excluded.max_workflow_tasks,
         max_activity_tasks = excluded.max_activity_tasks, updated_at = excluded.updated_at,
         last_heartbeat_at = excluded.last_heartbeat_at`,
    );
    this.select = db.prepare("SELECT * FROM workers WHERE namespace = ? AND worker_id = ?");
    this.selectAll = db.prepare("SELECT * FROM workers WHERE namespace = ? ORDER BY registered_at, worker_id");
    this.touchWorker = db.prepare("UPDATE workers SET last_heartbeat_at = ? WHERE namespace = ? AND worker_id = ?");
    this.deleteSilent = db.prepare("DELETE FROM workers WHERE last_heartbeat_at < ?");
    this.deleteWorker = db.prepare("DELETE FROM workers WHERE namespace = ? AND worker_id = ?");
  }

  save(worker: WorkerRecord): void {
    this.upsert.run(
      worker.namespace,
      worker.workerId,
      worker.taskQueue,
      worker.runtime,
      worker.sdkVersion,
      worker.buildId,
      JSON.stringify(worker.workflowTypes),
      JSON.stringify(worker.activityTypes),
      worker.maxWorkflowTasks,
      worker.maxActivityTasks,
      worker.registeredAt,
      worker.updatedAt,
      worker.lastHeartbeatAt,
    );
  }

  get(namespace: string, workerId: string): WorkerRecord | undefined {
    const row = this.select.get(namespace, workerId);
    return row === undefined ? undefined : workerOf(row);
  }

  list(namespace: string): readonly WorkerRecord[] {
    return this.selectAll.all(namespace).map(workerOf);
  }

  /** False when there is no such worker. */
  touch(namespace: string, workerId: string, at: Micros): boolean {
    return this.touchWorker.run(at, namespace, workerId).changes > 0;
  }

  /** Removes those of which nothing has been heard since. */
  forgetSilentSince(instant: Micros): void {
    this.deleteSilent.run(instant);
  }

  /** False when there is no such worker. */
  delete(namespace: string, workerId: string): boolean {
    return this.deleteWorker.run(namespace, workerId).changes > 0;
  }
}

function workerOf(row: WorkerRow): WorkerRecord {
  return {
    namespace: row.namespace,
    workerId: row.worker_id,
    taskQueue: row.task_queue,
    runtime: row.runtime,
    sdkVersion: row.sdk_version,
    buildId: row.build_id,
    workflowTypes: JSON.parse(row.workflow_types) as string[],
    activityTypes: JSON.parse(row.activity_types) as string[],
    maxWorkflowTasks: row.max_workflow_tasks,
    maxActivityTasks: row.max_activity_tasks,
    registeredAt: row.registered_at,
    updatedAt: row.updated_at,
    lastHeartbeatAt: row.last_heartbeat_at,
  };
}
