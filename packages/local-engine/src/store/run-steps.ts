import { dueAt } from "../engine/deadlines.js";
import type { Activity } from "../engine/model.js";
import { LongPayload } from "../long-payload.js";
import type { Connection, Statement } from "./connection.js";
import { bytesOfText } from "./large-payloads.js";
import { isBlob, type Payload, referenceOf } from "./payloads.js";
import { bucketOf, type RunRecord } from "./records.js";

export interface NewRun extends Omit<RunRecord, "key"> {
  /** The encoded arguments, null for none. */
  readonly input: Payload | null;
  readonly fingerprint: string;
}

/** A run that begins, once it has a row. Written out: on Node 20 a copy that gets further properties costs microseconds. */
export function recordOf(key: number, run: NewRun): RunRecord {
  return {
    key,
    namespace: run.namespace,
    activityId: run.activityId,
    runNumber: run.runNumber,
    runId: run.runId,
    executionId: run.executionId,
    commandId: run.commandId,
    activityType: run.activityType,
    activityClass: run.activityClass,
    taskQueue: run.taskQueue,
    businessKey: run.businessKey,
    state: run.state,
  };
}

/** Characters of a payload in the run's own row: that is written anew with each step. */
export const LONGEST_OWN = 1024;

/**
 * Writes the steps of a run: a statement for each kind, which sets only the columns that the step can change. So an index is
 * touched only by steps that move the run within it.
 */
export class RunSteps {
  private readonly insertRun: Statement<never>;
  private readonly insertInput: Statement<never>;
  private readonly insertOutcome: Statement<never>;
  private readonly insertSuperseded: Statement<never>;
  private readonly updateLeased: Statement<never>;
  private readonly updateAlive: Statement<never>;
  private readonly updateWaiting: Statement<never>;
  private readonly updateCompleted: Statement<never>;
  private readonly updateClosed: Statement<never>;
  private readonly updateTask: Statement<never>;

  constructor(db: Connection) {
    this.insertRun = db.prepare(
      `INSERT INTO runs (namespace, activity_id, run_number, run_id, execution_id, command_id, activity_type,
         activity_class, task_queue, business_key, policy, status, bucket, activity_status, attempt_count, task_id,
         task_status, available_at, started_at, last_progress_at, schedule_to_start_at, schedule_to_close_at, due_at,
         history_length, arguments, fingerprint)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'running', 'running', 'pending', 0, ?12, 'ready', ?13, ?14,
         ?14, ?15, ?16, ?17, ?18, ?19, ?20)`,
    );
    const payload = "(SELECT id FROM payloads WHERE reference_id = ?)";
    this.insertInput = db.prepare(
      `INSERT INTO inputs (run, arguments, bytes, fingerprint, payload) VALUES (?, ?, ?, ?, ${payload})`,
    );
    this.insertOutcome = db.prepare(
      `INSERT INTO outcomes (run, result, bytes, failure, payload) VALUES (?, ?, ?, ?, ${payload})`,
    );
    this.insertSuperseded = db.prepare("INSERT INTO superseded_tasks (task_id, run) VALUES (?, ?)");
    this.updateLeased = db.prepare(
      `UPDATE runs SET activity_status = 'running', task_status = 'leased', attempt_count = ?1, attempt_id = ?2,
         attempt_started_at = ?3, leased_at = ?3, last_progress_at = ?3, lease_owner = ?4, lease_expires_at = ?5,
         attempt_given_until = ?5, history_length = ?6, attempt_event = ?6, start_to_close_at = ?7, heartbeat_at = ?8,
         due_at = ?9, poll_request_id = ?10, beats_kept = 0, beat_kept_at = NULL
       WHERE id = ?11`,
    );
    this.updateAlive = db.prepare(
      `UPDATE runs SET lease_expires_at = ?, last_progress_at = ?, last_heartbeat_at = ?, heartbeat_at = ?, due_at = ?,
         history_length = ?, beats_kept = ?, beat_kept_at = ?
       WHERE id = ?`,
    );
    this.updateWaiting = db.prepare(
      `UPDATE runs SET activity_status = ?, attempt_count = ?, task_status = ?, available_at = ?, leased_at = ?,
         lease_owner = ?, lease_expires_at = ?, attempt_id = NULL, attempt_started_at = NULL, attempt_event = NULL,
         attempt_given_until = NULL, poll_request_id = NULL, last_progress_at = ?, schedule_to_start_at = ?,
         start_to_close_at = ?, heartbeat_at = ?, due_at = ?, history_length = ?, expiries = ?, beats_kept = 0,
         beat_kept_at = NULL
       WHERE id = ?`,
    );
    this.updateCompleted = db.prepare(
      `UPDATE runs SET activity_status = 'completed', task_status = 'completed', lease_expires_at = NULL,
         last_progress_at = ?1, closed_at = ?1, start_to_close_at = NULL, heartbeat_at = NULL, due_at = NULL,
         history_length = ?2, status = 'completed', bucket = 'completed', closed_reason = 'completed', result = ?3,
         poll_request_id = NULL
       WHERE id = ?4`,
    );
    this.updateClosed = db.prepare(
      `UPDATE runs SET activity_status = ?, attempt_count = ?, task_status = ?, lease_expires_at = NULL,
         attempt_id = NULL, attempt_started_at = NULL, attempt_event = NULL, attempt_given_until = NULL,
         poll_request_id = NULL, last_progress_at = ?, start_to_close_at = NULL, heartbeat_at = NULL, due_at = NULL,
         history_length = ?, status = ?, bucket = ?, closed_reason = ?, closed_at = ?
       WHERE id = ?`,
    );
    this.updateTask = db.prepare("UPDATE runs SET task_id = ? WHERE id = ?");
  }

  /** Returns the key of the new row. */
  started(run: NewRun): number {
    const { state, input } = run;
    const isOwn = input === null || isOwnText(input);
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
      state.task.id,
      state.task.availableAt,
      state.startedAt,
      state.scheduleToStartAt,
      state.scheduleToCloseAt,
      dueAt(state),
      state.historyLength,
      isOwn ? input : null,
      isOwn ? run.fingerprint : null,
    );
    const key = Number(lastInsertRowid);
    if (!isOwn)
      this.insertInput.run(key, ...columnsOf(input), run.fingerprint, referenceOf(input)?.referenceId ?? null);
    return key;
  }

  /** An attempt has begun. */
  leased(key: number, after: Activity, pollRequestId: string | null): void {
    const { task, attempt } = after;
    if (attempt === null) throw new Error("a run that is leased out has an attempt");
    this.updateLeased.run(
      after.attemptCount,
      attempt.id,
      attempt.startedAt,
      task.leaseOwner,
      attempt.givenUntil,
      attempt.event,
      after.startToCloseAt,
      after.heartbeatAt,
      dueAt(after),
      pollRequestId,
      key,
    );
  }

  /** The attempt goes on: a heartbeat, or a renewal. */
  alive(key: number, after: Activity): void {
    this.updateAlive.run(
      after.task.leaseExpiresAt,
      after.lastProgressAt,
      after.lastHeartbeatAt,
      after.heartbeatAt,
      dueAt(after),
      after.historyLength,
      after.attempt?.beatsKept ?? 0,
      after.attempt?.beatKeptAt ?? null,
      key,
    );
  }

  /** The attempt is over, and the run waits for the next one. */
  waits(key: number, before: Activity, after: Activity): void {
    const { task } = after;
    if (task.id !== before.task.id) {
      this.insertSuperseded.run(before.task.id, key);
      this.updateTask.run(task.id, key);
    }
    this.updateWaiting.run(
      after.activityStatus,
      after.attemptCount,
      task.status,
      task.availableAt,
      task.leasedAt,
      task.leaseOwner,
      task.leaseExpiresAt,
      after.lastProgressAt,
      after.scheduleToStartAt,
      after.startToCloseAt,
      after.heartbeatAt,
      dueAt(after),
      after.historyLength,
      after.expiries,
      key,
    );
  }

  /** The run completed, with its attempt. */
  completed(key: number, after: Activity, result: Payload): void {
    const isOwn = isOwnText(result);
    if (!isOwn) this.outcome(key, result, null);
    this.updateCompleted.run(after.closedAt, after.historyLength, isOwn ? result : null, key);
  }

  /** The run is over in another way. */
  closed(key: number, after: Activity): void {
    this.updateClosed.run(
      after.activityStatus,
      after.attemptCount,
      after.task.status,
      after.lastProgressAt,
      after.historyLength,
      after.status,
      bucketOf(after.status),
      after.closedReason,
      after.closedAt,
      key,
    );
  }

  /** How it ended, where the run's own row has no place for it. */
  outcome(key: number, result: Payload | null, failure: string | null): void {
    this.insertOutcome.run(key, ...columnsOf(result), failure, referenceOf(result)?.referenceId ?? null);
  }
}

/** A payload as text, or as bytes. */
function columnsOf(payload: Payload | null): readonly [text: string | null, bytes: Uint8Array | null] {
  if (payload === null || !isBlob(payload)) return [null, null];
  if (payload instanceof LongPayload) return [null, payload.bytes];
  const bytes = bytesOfText(payload);
  return bytes === undefined ? [payload, null] : [null, bytes];
}

/** Whether a payload stands in the run's own row. */
export function isOwnText(payload: Payload): payload is string {
  return typeof payload === "string" && payload.length <= LONGEST_OWN;
}
