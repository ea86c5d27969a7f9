import type { AttemptStatus, Micros, RunningAttempt } from "../engine/model.js";
import type { Connection, Parameter, Statement } from "./connection.js";
import { LONGEST_READ } from "./history.js";
import type { AttemptRecord, FailureRecord, RunRecord } from "./records.js";
import type { Runs } from "./runs.js";

interface AttemptRow {
  readonly run: number;
  readonly number: number;
  readonly attempt_id: string;
  readonly task_id: string;
  readonly status: AttemptStatus;
  readonly lease_owner: string;
  readonly event: number;
  readonly started_at: number;
  readonly lease_expires_at: number;
  readonly last_heartbeat_at: number | null;
  readonly closed_at: number | null;
  readonly progress: string | null;
  readonly failure: string | null;
}

const COLUMNS =
  "run, number, attempt_id, task_id, status, lease_owner, event, started_at, lease_expires_at, last_heartbeat_at, closed_at, progress, failure";

/** The same of those in the runs' own rows. */
const IN_RUNS = `SELECT id AS run, attempt_count AS number, attempt_id, task_id,
    iif(status = 'running', 'running', 'completed') AS status, lease_owner, attempt_event AS event,
    attempt_started_at AS started_at, attempt_given_until AS lease_expires_at, NULL AS last_heartbeat_at, closed_at,
    NULL AS progress, NULL AS failure
  FROM runs WHERE attempt_id IS NOT NULL AND beats_kept = 0`;

/** The attempts of runs: those in the runs' own rows, and those in rows of their own; see `own-rows.ts`. */
export class Attempts {
  private readonly runs: Runs;
  private readonly insertEnded: Statement<never>;
  private readonly insertTouched: Statement<never>;
  private readonly closeAttempt: Statement<never>;
  private readonly touchAttempt: Statement<never>;
  private readonly byId: Statement<AttemptRow>;
  private readonly byNumber: Statement<AttemptRow>;
  private readonly newest: Statement<AttemptRow>;
  private readonly following: Statement<AttemptRow>;
  private readonly brief: Statement<AttemptRow>;

  constructor(db: Connection, runs: Runs) {
    this.runs = runs;
    const who = "run, number, attempt_id, task_id, lease_owner, event, started_at, lease_expires_at";
    this.insertEnded = db.prepare(
      `INSERT INTO attempts (${who}, status, closed_at, failure) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.insertTouched = db.prepare(
      `INSERT INTO attempts (${who}, status, last_heartbeat_at, progress) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'running', ?, ?)`,
    );
    this.closeAttempt = db.prepare(
      "UPDATE attempts SET status = ?, closed_at = ?, failure = ? WHERE run = ? AND number = ?",
    );
    this.touchAttempt = db.prepare(
      "UPDATE attempts SET last_heartbeat_at = ?, progress = coalesce(?, progress) WHERE run = ? AND number = ?",
    );
    this.byId = db.prepare(
      `SELECT ${COLUMNS} FROM attempts WHERE attempt_id = ?1 UNION ALL ${IN_RUNS} AND attempt_id = ?1`,
    );
    this.byNumber = db.prepare(
      `SELECT ${COLUMNS} FROM attempts WHERE run = ?1 AND number = ?2 UNION ALL ${IN_RUNS} AND id = ?1 AND attempt_count = ?2`,
    );
    // The one in the run's own row is the newest.
    this.newest = db.prepare(newestSql(COLUMNS));
    this.brief = db.prepare(newestSql(COLUMNS.replace("progress, failure", "NULL AS progress, NULL AS failure")));
    this.following = db.prepare(
      `SELECT * FROM (SELECT ${COLUMNS} FROM attempts WHERE run = ?1 AND event > ?2 ORDER BY number LIMIT ?3)
       UNION ALL ${IN_RUNS} AND id = ?1 AND attempt_event > ?2 LIMIT ?3`,
    );
  }

  /**
   * Writes the end of the attempt that runs, before the step that it leads the run to is written. Not for a run that
   * completes with it.
   */
  close(run: RunRecord, status: AttemptStatus, at: Micros, failure: FailureRecord | null): void {
    const { attempt } = run.state;
    if (attempt === null) return;
    const text = failure === null ? null : JSON.stringify(failure);
    if (attempt.beatsKept > 0) this.closeAttempt.run(status, at, text, run.key, attempt.number);
    else this.insertEnded.run(...columnsOf(run, attempt), status, at, text);
  }

  /** As {@link close}, for a run that completes with it: its own row tells it, unless the attempt has one. */
  complete({ key, state: { attempt } }: RunRecord, at: Micros): void {
    if (attempt !== null && attempt.beatsKept > 0) this.closeAttempt.run("completed", at, null, key, attempt.number);
  }

  /**
   * Writes a heartbeat of the attempt that runs.
   *
   * @param run as it was before the heartbeat
   * @param progress what the heartbeat said; nothing leaves what was said before
   */
  touch(run: RunRecord, at: Micros, progress: Readonly<Record<string, unknown>>): void {
    const { attempt } = run.state;
    if (attempt === null) return;
    const text = Object.keys(progress).length === 0 ? null : JSON.stringify(progress);
    if (attempt.beatsKept > 0) this.touchAttempt.run(at, text, run.key, attempt.number);
    else this.insertTouched.run(...columnsOf(run, attempt), at, text);
  }

  get(attemptId: string): AttemptRecord | undefined {
    const run = this.runs.ofAttempt(attemptId);
    const attempt = run?.state.attempt;
    // What heartbeats said may be long: it is not held.
    return run === undefined || attempt == null || attempt.beatsKept > 0
      ? this.read(attemptId)
      : attemptIn(run, attempt, "running");
  }

  /** As {@link get}, from the database in any case. */
  read(attemptId: string): AttemptRecord | undefined {
    const row = this.byId.get(attemptId);
    return row === undefined ? undefined : attemptOf(row);
  }

  /** One of a run; undefined for a wait that timed out, which counts as one. */
  ofNumber(run: number, number: number): AttemptRecord | undefined {
    const row = this.byNumber.get(run, number);
    return row === undefined ? undefined : attemptOf(row);
  }

  /** The last ones of a run, in order, without what they said and why they failed: of many runs at once. */
  briefOf(run: number, limit: number): readonly AttemptRecord[] {
    return this.brief.all(run, limit).map(attemptOf).toReversed();
  }

  /** The last ones of a run, in order; fewer where their failures are long. */
  newestOf(run: number, limit: number): readonly AttemptRecord[] {
    const only = this.runs.onlyAttempt(run);
    if (only !== undefined) return [attemptIn(only.run, only.attempt, "completed")];
    return readSome(this.newest.iterate(run, limit)).toReversed();
  }

  /** Those of a run that began after an event of its history, in order; fewer where their failures are long. */
  after(run: number, event: number, limit: number): readonly AttemptRecord[] {
    return readSome(this.following.iterate(run, event, limit));
  }
}

function columnsOf({ key, state: { task } }: RunRecord, attempt: RunningAttempt): Parameter[] {
  const { id, number, event, startedAt, givenUntil } = attempt;
  return [key, number, id, task.id, task.leaseOwner, event, startedAt, givenUntil];
}

/** An attempt that has no row of its own, as the run's row tells it. */
function attemptIn(
  { key, state: { task, closedAt } }: RunRecord,
  attempt: RunningAttempt,
  status: "running" | "completed",
): AttemptRecord {
  return {
    run: key,
    number: attempt.number,
    attemptId: attempt.id,
    taskId: task.id,
    status,
    leaseOwner: task.leaseOwner ?? "",
    event: attempt.event,
    startedAt: attempt.startedAt,
    leaseExpiresAt: attempt.givenUntil,
    lastHeartbeatAt: null,
    closedAt,
    progress: null,
    failure: null,
  };
}

function newestSql(columns: string): string {
  return `${IN_RUNS} AND id = ?1
    UNION ALL SELECT * FROM (SELECT ${columns} FROM attempts WHERE run = ?1 ORDER BY number DESC LIMIT ?2) LIMIT ?2`;
}

function readSome(rows: Iterable<AttemptRow>): AttemptRecord[] {
  const attempts: AttemptRecord[] = [];
  let length = 0;
  for (const row of rows) {
    attempts.push(attemptOf(row));
    length += row.failure?.length ?? 0;
    if (length > LONGEST_READ) break;
  }
  return attempts;
}

function attemptOf(row: AttemptRow): AttemptRecord {
  return {
    run: row.run,
    number: row.number,
    attemptId: row.attempt_id,
    taskId: row.task_id,
    status: row.status,
    leaseOwner: row.lease_owner,
    event: row.event,
    startedAt: row.started_at,
    leaseExpiresAt: row.lease_expires_at,
    lastHeartbeatAt: row.last_heartbeat_at,
    closedAt: row.closed_at,
    progress: row.progress === null ? null : (JSON.parse(row.progress) as AttemptRecord["progress"]),
    failure: row.failure === null ? null : (JSON.parse(row.failure) as FailureRecord),
  };
}
