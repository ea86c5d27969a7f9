import type { Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";
import { RecordCache } from "./record-cache.js";
import type { ToldByHeartbeat, WorkerRecord } from "./records.js";

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
  readonly registration_token: string;
  readonly fence: string;
  readonly process_identity: string | null;
  readonly capabilities: string;
  readonly capability_manifest: string;
  readonly max_worker_sessions: number;
  readonly task_slots: string | null;
  readonly process_metrics: string | null;
  readonly heartbeat_interval: number | null;
}

/** Every column, as {@link Workers.save} writes them. All but the key and when it was first registered are written anew. */
const COLUMNS = [
  "namespace",
  "worker_id",
  "registered_at",
  "task_queue",
  "runtime",
  "sdk_version",
  "build_id",
  "workflow_types",
  "activity_types",
  "max_workflow_tasks",
  "max_activity_tasks",
  "updated_at",
  "last_heartbeat_at",
  "registration_token",
  "fence",
  "process_identity",
  "capabilities",
  "capability_manifest",
  "max_worker_sessions",
  "task_slots",
  "process_metrics",
  "heartbeat_interval",
] as const satisfies readonly (keyof WorkerRow)[];

export type HeardWorker = Pick<WorkerRecord, "workerId" | "taskQueue" | "buildId" | "lastHeartbeatAt">;
type HeardRow = Pick<WorkerRow, "worker_id" | "task_queue" | "build_id" | "last_heartbeat_at">;

/** Characters of types and capabilities in one page. */
const LONGEST_PAGE = 2_097_152;

/** Workers that are remembered, and how many characters of types and capabilities each may have. */
const REMEMBERED = 1000;
const LONGEST_REMEMBERED = 16_384;

/** Registrations of workers. */
export class Workers {
  private readonly known: RecordCache<string, WorkerRecord>;
  private readonly upsert: Statement<never>;
  private readonly select: Statement<WorkerRow>;
  private readonly selectAll: Statement<WorkerRow>;
  private readonly touchWorker: Statement<never>;
  private readonly selectFence: Statement<{ fence: string }>;
  private readonly deleteWorker: Statement<never>;
  private readonly deleteSilent: Statement<never>;
  private readonly deleteLongestSilent: Statement<never>;
  private readonly countHeard: Statement<{ n: number }>;
  private readonly selectHeard: Statement<HeardRow>;
  private readonly countAll: Statement<{ n: number }>;
  private readonly move: Statement<never>;

  /** @param mostRemembered of all workers. Default: {@link REMEMBERED} */
  constructor(db: Connection, mostRemembered = Number.POSITIVE_INFINITY) {
    this.known = new RecordCache(Math.min(REMEMBERED, mostRemembered));
    this.upsert = db.prepare(
      `INSERT INTO workers (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})
       ON CONFLICT (namespace, worker_id) DO UPDATE SET ${COLUMNS.slice(3)
         .map((name) => `${name} = excluded.${name}`)
         .join(", ")}`,
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
    this.touchWorker = db.prepare(
      `UPDATE workers SET last_heartbeat_at = ?, task_slots = coalesce(?, task_slots),
         process_metrics = coalesce(?, process_metrics), heartbeat_interval = coalesce(?, heartbeat_interval)
       WHERE namespace = ? AND worker_id = ?`,
    );
    this.selectFence = db.prepare("SELECT fence FROM workers WHERE namespace = ? AND worker_id = ?");
    this.deleteSilent = db.prepare("DELETE FROM workers WHERE last_heartbeat_at < ?");
    this.deleteWorker = db.prepare("DELETE FROM workers WHERE namespace = ? AND worker_id = ?");
  }

  save(worker: WorkerRecord): void {
    this.known.delete(keyOf(worker.namespace, worker.workerId));
    this.upsert.run(
      worker.namespace,
      worker.workerId,
      worker.registeredAt,
      worker.taskQueue,
      worker.runtime,
      worker.sdkVersion,
      worker.buildId,
      JSON.stringify(worker.workflowTypes),
      JSON.stringify(worker.activityTypes),
      worker.maxWorkflowTasks,
      worker.maxActivityTasks,
      worker.updatedAt,
      worker.lastHeartbeatAt,
      worker.registrationToken,
      worker.fence,
      worker.processIdentity,
      JSON.stringify(worker.capabilities),
      JSON.stringify(worker.capabilityManifest),
      worker.maxWorkerSessions,
      jsonOrNull(worker.taskSlots),
      jsonOrNull(worker.processMetrics),
      worker.heartbeatInterval,
    );
  }

  get(namespace: string, workerId: string): WorkerRecord | undefined {
    const key = keyOf(namespace, workerId);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const row = this.select.get(namespace, workerId);
    if (row === undefined) return undefined;
    const worker = workerOf(row);
    if (lengthOf(row) <= LONGEST_REMEMBERED) this.known.set(key, worker);
    return worker;
  }

  /** As {@link get}, from the database in any case. */
  read(namespace: string, workerId: string): WorkerRecord | undefined {
    const row = this.select.get(namespace, workerId);
    return row === undefined ? undefined : workerOf(row);
  }

  /** Something that was written is undone: nothing is known without reading it. */
  forget(): void {
    this.known.clear();
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
      length += lengthOf(row);
    }
    return { workers, isLast: true };
  }

  /** Of the registration as it is now; undefined when there is no such worker. */
  fenceOf(namespace: string, workerId: string): string | undefined {
    const known = this.known.get(keyOf(namespace, workerId));
    return known === undefined ? this.selectFence.get(namespace, workerId)?.fence : known.fence;
  }

  /** False when there is no such worker. */
  touch(namespace: string, workerId: string, at: Micros, told: ToldByHeartbeat): boolean {
    this.known.delete(keyOf(namespace, workerId));
    const slots = jsonOrNull(told.taskSlots);
    const metrics = jsonOrNull(told.processMetrics);
    return this.touchWorker.run(at, slots, metrics, told.heartbeatInterval, namespace, workerId).changes > 0;
  }

  /** Removes those of which nothing has been heard since. */
  forgetSilentSince(instant: Micros): void {
    if (this.deleteSilent.run(instant).changes > 0) this.forget();
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
    if (excess <= 0) return;
    this.forget();
    this.deleteLongestSilent.run(excess);
  }

  /** Moves when they were heard last. */
  moveHeard(by: Micros): void {
    this.forget();
    this.move.run(by);
  }

  /** False when there is no such worker. */
  delete(namespace: string, workerId: string): boolean {
    this.known.delete(keyOf(namespace, workerId));
    return this.deleteWorker.run(namespace, workerId).changes > 0;
  }
}

function keyOf(namespace: string, workerId: string): string {
  return `${namespace}\n${workerId}`;
}

function lengthOf(row: WorkerRow): number {
  return (
    row.activity_types.length + row.workflow_types.length + row.capabilities.length + row.capability_manifest.length
  );
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
    registrationToken: row.registration_token,
    fence: row.fence,
    processIdentity: row.process_identity,
    capabilities: JSON.parse(row.capabilities) as string[],
    capabilityManifest: JSON.parse(row.capability_manifest) as WorkerRecord["capabilityManifest"],
    maxWorkerSessions: row.max_worker_sessions,
    taskSlots: parsedOrNull(row.task_slots) as WorkerRecord["taskSlots"],
    processMetrics: parsedOrNull(row.process_metrics) as WorkerRecord["processMetrics"],
    heartbeatInterval: row.heartbeat_interval,
  };
}

function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

function parsedOrNull(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
