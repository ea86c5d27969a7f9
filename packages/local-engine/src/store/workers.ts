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

export type HeardWorker = Pick<WorkerRecord, "workerId" | "taskQueue" | "buildId" | "lastHeartbeatAt">;
type HeardRow = Pick<WorkerRow, "worker_id" | "task_queue" | "build_id" | "last_heartbeat_at">;

/** Characters of types in one page. */
const LONGEST_PAGE = 2_097_152;

/** Registrations of workers. */
export class Workers {
  private readonly upsert: Statement<never>;
  private readonly select: Statement<WorkerRow>;
  private readonly selectAll: Statement<WorkerRow>;
  private readonly touchWorker: Statement<never>;
  private readonly deleteWorker: Statement<never>;
  private readonly deleteSilent: Statement<never>;
  private readonly deleteLongestSilent: Statement<never>;
  private readonly countHeard: Statement<{ n: number }>;
  private readonly selectHeard: Statement<HeardRow>;
  private readonly countAll: Statement<{ n: number }>;
  private readonly move: Statement<never>;

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
    this.selectAll = db.prepare("SELECT * FROM workers WHERE namespace = ? ORDER BY worker_id LIMIT ? OFFSET ?");
    this.countHeard = db.prepare("SELECT count(*) AS n FROM workers WHERE last_heartbeat_at > ?2 AND namespace = ?1");
    this.selectHeard = db.prepare(
      "SELECT worker_id, task_queue, build_id, last_heartbeat_at FROM workers WHERE last_heartbeat_at > ?2 AND namespace = ?1 ORDER BY last_heartbeat_at DESC LIMIT ?3",
    );
    this.countAll = db.prepare("SELECT count(*) AS n FROM workers");
    this.move = db.prepare("UPDATE workers SET last_heartbeat_at = last_heartbeat_at + ?");
    this.deleteLongestSilent = db.prepare(
      "DELETE FROM workers WHERE (namespace, worker_id) IN (SELECT namespace, worker_id FROM workers ORDER BY last_heartbeat_at LIMIT ?)",
    );
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

  /** Some of a namespace, in the order of their ids; fewer where each takes thousands of types. */
  page(
    namespace: string,
    limit: number,
    offset: number,
  ): { readonly workers: readonly WorkerRecord[]; readonly isLast: boolean } {
    const workers: WorkerRecord[] = [];
    let length = 0;
    // One more than the page takes tells whether there is another.
    for (const row of this.selectAll.iterate(namespace, limit + 1, offset)) {
      if (workers.length === limit || length > LONGEST_PAGE) return { workers, isLast: false };
      workers.push(workerOf(row));
      length += row.activity_types.length + row.workflow_types.length;
    }
    return { workers, isLast: true };
  }

  /** False when there is no such worker. */
  touch(namespace: string, workerId: string, at: Micros): boolean {
    return this.touchWorker.run(at, namespace, workerId).changes > 0;
  }

  /** Removes those of which nothing has been heard since. */
  forgetSilentSince(instant: Micros): void {
    this.deleteSilent.run(instant);
  }

  /** How many of a namespace have been heard since, and those heard last. */
  heardSince(
    namespace: string,
    instant: Micros,
    limit: number,
  ): { readonly total: number; readonly workers: readonly HeardWorker[] } {
    const total = this.countHeard.get(namespace, instant)?.n ?? 0;
    const rows = this.selectHeard.all(namespace, instant, limit);
    return {
      total,
      workers: rows.map((row) => ({
        workerId: row.worker_id,
        taskQueue: row.task_queue,
        buildId: row.build_id,
        lastHeartbeatAt: row.last_heartbeat_at,
      })),
    };
  }

  /** Removes those that have been silent longest, so that at most `limit` are left. */
  keepAtMost(limit: number): void {
    const excess = (this.countAll.get()?.n ?? 0) - limit;
    if (excess > 0) this.deleteLongestSilent.run(excess);
  }

  /** Moves when they were heard last. */
  moveHeard(by: Micros): void {
    this.move.run(by);
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
