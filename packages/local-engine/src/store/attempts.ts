import type { AttemptStatus, Micros } from "../engine/model.js";
import type { Connection, Statement } from "./connection.js";
import { LONGEST_READ } from "./history.js";
import { RecordCache } from "./record-cache.js";
import type { AttemptRecord, FailureRecord } from "./records.js";

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

/** Running attempts that are remembered. */
const REMEMBERED = 10_000;

/** The rows of `attempts`. */
export class Attempts {
  /** By their runs: of each, one runs at a time. */
  private readonly running = new RecordCache<number, AttemptRecord>(REMEMBERED);
  /** The runs of attempts, by their ids. */
  private readonly runs = new RecordCache<string, number>(REMEMBERED);
  private readonly insertAttempt: Statement<never>;
  private readonly closeAttempt: Statement<never>;
  private readonly touchAttempt: Statement<never>;
  private readonly byId: Statement<AttemptRow>;
  private readonly byNumber: Statement<AttemptRow>;
  private readonly newest: Statement<AttemptRow>;
  private readonly following: Statement<AttemptRow>;
  private readonly byPoll: Statement<AttemptRow>;
  private readonly brief: Statement<AttemptRow>;
  private readonly held: Statement<{ run: number }>;

  constructor(db: Connection) {
    this.insertAttempt = db.prepare(
      `INSERT INTO attempts (run, number, attempt_id, task_id, status, lease_owner, poll_request_id, event, started_at,
         lease_expires_at)
       VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?, ?)`,
    );
    this.closeAttempt = db.prepare(
      "UPDATE attempts SET status = ?, closed_at = ?, failure = ? WHERE run = ? AND number = ?",
    );
    this.touchAttempt = db.prepare(
      "UPDATE attempts SET last_heartbeat_at = ?, progress = coalesce(?, progress) WHERE run = ? AND number = ?",
    );
    this.byId = db.prepare("SELECT * FROM attempts WHERE attempt_id = ?");
    this.byNumber = db.prepare("SELECT * FROM attempts WHERE run = ? AND number = ?");
    this.newest = db.prepare("SELECT * FROM attempts WHERE run = ? ORDER BY number DESC LIMIT ?");
    this.following = db.prepare("SELECT * FROM attempts WHERE run = ? AND event > ? ORDER BY number LIMIT ?");
    this.brief = db.prepare(
      `SELECT run, number, attempt_id, task_id, status, lease_owner, event, started_at, lease_expires_at,
         last_heartbeat_at, closed_at, NULL AS failure, NULL AS progress
       FROM attempts WHERE run = ? ORDER BY number DESC LIMIT ?`,
    );
    this.held = db.prepare(
      `SELECT run FROM attempts JOIN runs ON runs.id = attempts.run
       WHERE attempts.status = 'running' AND attempts.lease_owner = ? AND runs.namespace = ? ORDER BY run`,
    );
    this.byPoll = db.prepare(
      `SELECT attempts.* FROM attempts JOIN runs ON runs.id = attempts.run
       WHERE poll_request_id = ? AND attempts.status = 'running' AND attempts.lease_owner = ? AND runs.namespace = ?
         AND runs.task_queue = ? AND runs.lease_expires_at > ?`,
    );
  }

  insert(
    attempt: Pick<
      AttemptRecord,
      "run" | "number" | "attemptId" | "taskId" | "leaseOwner" | "event" | "startedAt" | "leaseExpiresAt"
    > & { readonly pollRequestId: string | null },
  ): void {
    this.insertAttempt.run(
      attempt.run,
      attempt.number,
      attempt.attemptId,
      attempt.taskId,
      attempt.leaseOwner,
      attempt.pollRequestId,
      attempt.event,
      attempt.startedAt,
      attempt.leaseExpiresAt,
    );
    const { run, number, attemptId, taskId, leaseOwner, event, startedAt, leaseExpiresAt } = attempt;
    const unknown = { lastHeartbeatAt: null, closedAt: null, progress: null, failure: null };
    const record = { run, number, attemptId, taskId, leaseOwner, event, startedAt, leaseExpiresAt, ...unknown };
    this.running.set(run, { ...record, status: "running" });
    this.runs.set(attemptId, run);
  }

  /** Something that was written is undone: nothing is known without reading it. */
  forget(): void {
    this.running.clear();
    this.runs.clear();
  }

  private forgetOne(run: number): void {
    const attempt = this.running.get(run);
    this.running.delete(run);
    if (attempt !== undefined) this.runs.delete(attempt.attemptId);
  }

  close(run: number, number: number, status: AttemptStatus, at: Micros, failure: FailureRecord | null): void {
    this.forgetOne(run);
    this.closeAttempt.run(status, at, failure === null ? null : JSON.stringify(failure), run, number);
  }

  /** @param progress what the heartbeat said; nothing leaves what was said before */
  touch(run: number, number: number, at: Micros, progress: Readonly<Record<string, unknown>>): void {
    // What is said may be long: it is not held.
    this.forgetOne(run);
    const isSilent = Object.keys(progress).length === 0;
    this.touchAttempt.run(at, isSilent ? null : JSON.stringify(progress), run, number);
  }

  /** The runs that a worker of a namespace holds a lease of. */
  heldBy(namespace: string, owner: string): readonly number[] {
    return this.held.all(owner, namespace).map(({ run }) => run);
  }

  get(attemptId: string): AttemptRecord | undefined {
    const run = this.runs.get(attemptId);
    const attempt = run === undefined ? undefined : this.running.get(run);
    return attempt?.attemptId === attemptId ? attempt : this.read(attemptId);
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
    return readSome(this.newest.iterate(run, limit)).toReversed();
  }

  /** Those of a run that began after an event of its history, in order; fewer where their failures are long. */
  after(run: number, event: number, limit: number): readonly AttemptRecord[] {
    return readSome(this.following.iterate(run, event, limit));
  }

  /** What an earlier poll under this id was given, while the leases are valid. */
  ofPoll(
    pollRequestId: string,
    owner: string,
    namespace: string,
    queue: string,
    now: Micros,
  ): readonly AttemptRecord[] {
    return this.byPoll.all(pollRequestId, owner, namespace, queue, now).map(attemptOf);
  }
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
