import { dueAt } from "../engine/deadlines.js";
import type { Activity, Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";
import type { Payload, PayloadReference } from "./payloads.js";
import { RecordCache } from "./record-cache.js";
import { bucketOf, type RunRecord } from "./records.js";
import { type RunRow, runOf } from "./run-rows.js";

export interface NewRun extends Omit<RunRecord, "key"> {
  /** The encoded arguments, null for none. */
  readonly input: Payload | null;
  readonly fingerprint: string;
}

const INSTANTS = [
  "available_at",
  "lease_expires_at",
  "schedule_to_start_at",
  "schedule_to_close_at",
  "start_to_close_at",
  "heartbeat_at",
  "due_at",
];
const MOVE_SQL = `UPDATE runs SET ${INSTANTS.map((name) => `${name} = ${name} + ?`).join(", ")} WHERE bucket = 'running'`;

export const DUE_SQL = "SELECT * FROM runs WHERE due_at <= ? ORDER BY due_at LIMIT ?";
export const NEXT_DUE_SQL = "SELECT due_at FROM runs WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1";

/** Open runs that are remembered, about 1 KB each. */
const REMEMBERED = 10_000;

/** Where the rows of `runs`, `inputs`, `outcomes` and `superseded_tasks` are read and written. */
export class Runs {
  private readonly open = new RecordCache<number, RunRecord>(REMEMBERED);
  private readonly insertRun: Statement<never>;
  private readonly insertInput: Statement<never>;
  private readonly insertOutcome: Statement<never>;
  private readonly insertSuperseded: Statement<never>;
  private readonly updateOpen: Statement<never>;
  private readonly updateClosed: Statement<never>;
  private readonly updateTask: Statement<never>;
  private readonly move: Statement<never>;
  private readonly byKey: Statement<RunRow>;
  private readonly newest: Statement<RunRow>;
  private readonly byRunId: Statement<RunRow>;
  private readonly byTask: Statement<RunRow>;
  private readonly bySuperseded: Statement<{ run: number }>;
  private readonly due: Statement<RunRow>;
  private readonly nextDue: Statement<{ due_at: number }>;
  private readonly inputOf: Statement<PayloadColumns & { arguments: string | null; fingerprint: string }>;
  private readonly outcomeOf: Statement<PayloadColumns & { result: string | null; failure: string | null }>;

  constructor(db: Connection) {
    this.insertRun = db.prepare(
      `INSERT INTO runs (namespace, activity_id, run_number, run_id, execution_id, command_id, activity_type,
         activity_class, task_queue, business_key, policy, status, bucket, activity_status, attempt_count, task_id,
         task_status, available_at, started_at, last_progress_at, schedule_to_start_at, schedule_to_close_at, due_at,
         history_length)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const payload = "(SELECT id FROM payloads WHERE reference_id = ?)";
    this.insertInput = db.prepare(
      `INSERT INTO inputs (run, arguments, fingerprint, payload) VALUES (?, ?, ?, ${payload})`,
    );
    this.insertOutcome = db.prepare(
      `INSERT INTO outcomes (run, result, failure, payload) VALUES (?, ?, ?, ${payload})`,
    );
    this.insertSuperseded = db.prepare("INSERT INTO superseded_tasks (task_id, run) VALUES (?, ?)");
    this.updateOpen = db.prepare(
      `UPDATE runs SET activity_status = ?, attempt_count = ?, task_status = ?, available_at = ?, leased_at = ?,
         lease_owner = ?, lease_expires_at = ?, attempt_id = ?, attempt_started_at = ?, last_progress_at = ?,
         last_heartbeat_at = ?, schedule_to_start_at = ?, start_to_close_at = ?, heartbeat_at = ?, due_at = ?,
         history_length = ?, expiries = ?, beats_kept = ?, beat_kept_at = ?
       WHERE id = ?`,
    );
    this.updateClosed = db.prepare(
      `UPDATE runs SET activity_status = ?, attempt_count = ?, task_status = ?, lease_expires_at = NULL,
         attempt_id = NULL, attempt_started_at = NULL, last_progress_at = ?, start_to_close_at = NULL,
         heartbeat_at = NULL, due_at = NULL, history_length = ?, status = ?, bucket = ?, closed_reason = ?, closed_at = ?
       WHERE id = ?`,
    );
    this.updateTask = db.prepare("UPDATE runs SET task_id = ? WHERE id = ?");
    this.move = db.prepare(MOVE_SQL);
    this.byKey = db.prepare("SELECT * FROM runs WHERE id = ?");
    this.newest = db.prepare("SELECT * FROM runs WHERE activity_id = ? ORDER BY run_number DESC LIMIT 1");
    this.byRunId = db.prepare("SELECT * FROM runs WHERE activity_id = ? AND run_id = ?");
    this.byTask = db.prepare("SELECT * FROM runs WHERE task_id = ?");
    this.bySuperseded = db.prepare("SELECT run FROM superseded_tasks WHERE task_id = ?");
    this.due = db.prepare(DUE_SQL);
    this.nextDue = db.prepare(NEXT_DUE_SQL);
    const joined = "p.reference_id, p.codec, p.size, p.sha256";
    this.inputOf = db.prepare(
      `SELECT arguments, fingerprint, ${joined} FROM inputs LEFT JOIN payloads p ON p.id = payload WHERE run = ?`,
    );
    this.outcomeOf = db.prepare(
      `SELECT result, failure, ${joined} FROM outcomes LEFT JOIN payloads p ON p.id = payload WHERE run = ?`,
    );
  }

  insert(run: NewRun): number {
    const { state } = run;
    const { lastInsertRowid } = this.insertRun.run(
      run.namespace,
      run.activityId,
      run.runNumber,
      run.runId,
      run.executionId,
      run.commandId,
      run.activityType,
      run.activityClass,
      run.taskQueue,
      run.businessKey,
      JSON.stringify(state.policy),
      state.status,
      bucketOf(state.status),
      state.activityStatus,
      state.attemptCount,
      state.task.id,
      state.task.status,
      state.task.availableAt,
      state.startedAt,
      state.lastProgressAt,
      state.scheduleToStartAt,
      state.scheduleToCloseAt,
      dueAt(state),
      state.historyLength,
    );
    const key = Number(lastInsertRowid);
    const { input, fingerprint, ...rest } = run;
    this.insertInput.run(key, blobOf(input), fingerprint, referenceOf(input));
    this.open.set(key, { ...rest, key });
    return key;
  }

  /** Writes the step from one state to the next. */
  save(run: RunRecord, after: Activity): void {
    const { key, state: before } = run;
    const { task } = after;
    if (after.status !== "running") {
      // Not every column is written any more: whoever wants to know reads the row.
      this.open.delete(key);
      this.updateClosed.run(
        after.activityStatus,
        after.attemptCount,
        task.status,
        after.lastProgressAt,
        after.historyLength,
        after.status,
        bucketOf(after.status),
        after.closedReason,
        after.closedAt,
        key,
      );
      return;
    }
    if (task.id !== before.task.id) {
      this.insertSuperseded.run(before.task.id, key);
      this.updateTask.run(task.id, key);
    }
    this.updateOpen.run(
      after.activityStatus,
      after.attemptCount,
      task.status,
      task.availableAt,
      task.leasedAt,
      task.leaseOwner,
      task.leaseExpiresAt,
      after.attempt?.id ?? null,
      after.attempt?.startedAt ?? null,
      after.lastProgressAt,
      after.lastHeartbeatAt,
      after.scheduleToStartAt,
      after.startToCloseAt,
      after.heartbeatAt,
      dueAt(after),
      after.historyLength,
      after.expiries,
      after.attempt?.beatsKept ?? 0,
      after.attempt?.beatKeptAt ?? null,
      key,
    );
    this.open.set(key, { ...run, state: after });
  }

  saveOutcome(key: number, result: Payload | null, failure: string | null): void {
    this.insertOutcome.run(key, blobOf(result), failure, referenceOf(result));
  }

  get(key: number): RunRecord | undefined {
    return this.open.get(key) ?? this.read(key);
  }

  /** As {@link get}, from the database in any case. */
  read(key: number): RunRecord | undefined {
    return read(this.byKey.get(key));
  }

  /** Something that was written is undone, or written by other means: nothing is known without reading it. */
  forget(): void {
    this.open.clear();
  }

  /** The newest run under an id, of whatever namespace. */
  latest(activityId: string): RunRecord | undefined {
    return read(this.newest.get(activityId));
  }

  ofRunId(activityId: string, runId: string): RunRecord | undefined {
    return read(this.byRunId.get(activityId, runId));
  }

  /** The run that a task belongs, or once belonged, to. */
  ofTask(taskId: string): RunRecord | undefined {
    const current = this.byTask.get(taskId);
    if (current !== undefined) return runOf(current);
    const superseded = this.bySuperseded.get(taskId);
    return superseded === undefined ? undefined : this.get(superseded.run);
  }

  /** Those for which something is due, longest overdue first. */
  dueBy(now: Micros, limit: number): readonly RunRecord[] {
    return this.due.all(now, limit).map(runOf);
  }

  /** Moves every instant that a run that is open waits for. */
  moveWaiting(by: Micros): void {
    this.forget();
    this.move.run(...INSTANTS.map(() => by));
  }

  /** When something is due next. */
  nextDueAt(): Micros | undefined {
    return this.nextDue.get()?.due_at;
  }

  input(key: number): { readonly payload: Payload | null; readonly fingerprint: string } {
    const row = this.inputOf.get(key);
    return { payload: row === undefined ? null : payloadOf(row.arguments, row), fingerprint: row?.fingerprint ?? "" };
  }

  outcome(key: number): { readonly result: Payload | null; readonly failure: string | null } {
    const row = this.outcomeOf.get(key);
    return row === undefined
      ? { result: null, failure: null }
      : { result: payloadOf(row.result, row), failure: row.failure };
  }
}

interface PayloadColumns {
  readonly reference_id: string | null;
  readonly codec: string | null;
  readonly size: number | null;
  readonly sha256: string | null;
}

function payloadOf(blob: string | null, { reference_id, codec, size, sha256 }: PayloadColumns): Payload | null {
  if (reference_id === null || codec === null || size === null || sha256 === null) return blob;
  return { referenceId: reference_id, codec, sizeBytes: size, sha256 } satisfies PayloadReference;
}

function blobOf(payload: Payload | null): string | null {
  return typeof payload === "string" ? payload : null;
}

function referenceOf(payload: Payload | null): string | null {
  return payload === null || typeof payload === "string" ? null : payload.referenceId;
}

function read(row: RunRow | undefined): RunRecord | undefined {
  return row === undefined ? undefined : runOf(row);
}
