import type { Activity, Micros, RunningAttempt } from "../engine/model.js";
import { LongPayload } from "../long-payload.js";
import type { Connection, Statement } from "./connection.js";
import { LargeInputs } from "./large-inputs.js";
import type { Leases } from "./leases.js";
import { isBlob, type Payload, type PayloadReference } from "./payloads.js";
import type { ReadyTasks } from "./ready-tasks.js";
import { RecordCache } from "./record-cache.js";
import type { RunRecord } from "./records.js";
import { type RunRow, runOf } from "./run-rows.js";
import { isOwnText, type NewRun, RunSteps, recordOf } from "./run-steps.js";

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

/** Open runs that are remembered, about 1 KB each, and twice as much with their arguments. */
const REMEMBERED = 10_000;

/** Runs that completed last, with results that are short: somebody may wait for them. */
const REMEMBERED_ENDS = 1000;

interface CompletedRun {
  readonly run: RunRecord;
  readonly result: Payload;
  /** The only one that it had; undefined where it had several, or one with a row of its own. */
  readonly attempt: RunningAttempt | undefined;
}

interface OpenRun {
  readonly run: RunRecord;
  /** Undefined where it is not held: it is long, or stands elsewhere. */
  readonly input: RunInput | undefined;
}

export interface RunInput {
  /** The encoded arguments, null for none. */
  readonly payload: Payload | null;
  readonly fingerprint: string;
}

/**
 * Where the rows of `runs`, `inputs`, `outcomes` and `superseded_tasks` are read and written. Runs that are open are
 * remembered as they are written, and so are the lines of tasks and the leases that follow from them.
 */
export class Runs {
  private readonly open: RecordCache<number, OpenRun>;
  /** Of runs in {@link open}: by the ids of their activities, and of the attempts that they began. */
  private readonly ids: RecordCache<string, number>;
  private readonly attempts: RecordCache<string, number>;
  private readonly ends: RecordCache<number, CompletedRun>;
  private readonly large: LargeInputs<RunInput>;
  private readonly ready: ReadyTasks;
  private readonly leases: Leases;
  private readonly steps: RunSteps;
  private readonly moveInstants: Statement<never>;
  private readonly byKey: Statement<RunRow>;
  private readonly newest: Statement<RunRow>;
  private readonly byRunId: Statement<RunRow>;
  private readonly byTask: Statement<RunRow>;
  private readonly bySuperseded: Statement<{ run: number }>;
  private readonly due: Statement<RunRow>;
  private readonly nextDue: Statement<{ due_at: number }>;
  private readonly inputOf: Statement<PayloadColumns & { text: string | null; fingerprint: string | null }>;
  private readonly outcomeOf: Statement<PayloadColumns & { failure: string | null }>;

  /** @param mostRemembered of each kind of row. Default: what each kind has */
  constructor(db: Connection, ready: ReadyTasks, leases: Leases, mostRemembered = Number.POSITIVE_INFINITY) {
    const most = Math.min(REMEMBERED, mostRemembered);
    this.open = new RecordCache(most);
    this.ids = new RecordCache(most);
    this.attempts = new RecordCache(most);
    this.ends = new RecordCache(Math.min(REMEMBERED_ENDS, mostRemembered));
    this.large = new LargeInputs(most);
    this.ready = ready;
    this.leases = leases;
    this.steps = new RunSteps(db);
    this.moveInstants = db.prepare(MOVE_SQL);
    this.byKey = db.prepare("SELECT * FROM runs WHERE id = ?");
    this.newest = db.prepare("SELECT * FROM runs WHERE activity_id = ? ORDER BY run_number DESC LIMIT 1");
    this.byRunId = db.prepare("SELECT * FROM runs WHERE activity_id = ? AND run_id = ?");
    this.byTask = db.prepare("SELECT * FROM runs WHERE task_id = ?");
    this.bySuperseded = db.prepare("SELECT run FROM superseded_tasks WHERE task_id = ?");
    this.due = db.prepare(DUE_SQL);
    this.nextDue = db.prepare(NEXT_DUE_SQL);
    const joined = "p.reference_id, p.codec, p.size, p.sha256";
    this.inputOf = db.prepare(
      `SELECT coalesce(r.arguments, i.arguments) AS text, i.bytes, coalesce(r.fingerprint, i.fingerprint) AS fingerprint,
         ${joined}
       FROM runs r LEFT JOIN inputs i ON i.run = r.id LEFT JOIN payloads p ON p.id = i.payload WHERE r.id = ?`,
    );
    this.outcomeOf = db.prepare(
      `SELECT coalesce(r.result, o.result) AS text, o.bytes, o.failure, ${joined}
       FROM runs r LEFT JOIN outcomes o ON o.run = r.id LEFT JOIN payloads p ON p.id = o.payload WHERE r.id = ?`,
    );
  }

  /** Writes a run that begins, and returns it with the key of its row. */
  insert(newRun: NewRun): RunRecord {
    const key = this.steps.started(newRun);
    const { input, fingerprint } = newRun;
    const run = recordOf(key, newRun);
    const isShort = input === null || isOwnText(input);
    this.open.set(key, { run, input: isShort ? { payload: input, fingerprint } : undefined });
    if (!isShort && isBlob(input)) this.large.set(key, { payload: input, fingerprint }, input.length);
    this.ids.set(run.activityId, key);
    this.ready.added(run);
    return run;
  }

  /** Writes that the task of a run was leased out, and returns the run with the attempt that has begun. */
  lease(before: RunRecord, state: Activity, pollRequestId: string | null): RunRecord {
    const run = { ...before, state };
    this.steps.leased(run.key, state, pollRequestId);
    this.ready.removed(before);
    this.leases.begun(run, pollRequestId);
    this.remember(run);
    if (state.attempt !== null) this.attempts.set(state.attempt.id, run.key);
    return run;
  }

  /** Writes that a run completed, with its result, and returns the run after that. */
  complete(before: RunRecord, state: Activity, result: Payload): RunRecord {
    this.steps.completed(before.key, state, result);
    this.over(before);
    const run = { ...before, state };
    const { attempt } = before.state;
    const isOnly = attempt?.number === 1 && attempt.beatsKept === 0;
    if (isOwnText(result)) {
      this.ends.set(run.key, { run, result, attempt: isOnly ? attempt : undefined });
    }
    return run;
  }

  /** A run is gone, in the database as well. */
  removed(key: number): void {
    this.ends.delete(key);
  }

  /** The only attempt of a run that completed with it, as it was while it ran, where that is remembered. */
  onlyAttempt(key: number): { readonly run: RunRecord; readonly attempt: RunningAttempt } | undefined {
    const end = this.ends.get(key);
    return end?.attempt === undefined ? undefined : { run: end.run, attempt: end.attempt };
  }

  /** Writes any other step of a run, and returns the run after it. */
  save(before: RunRecord, state: Activity): RunRecord {
    const run = { ...before, state };
    if (state.status !== "running") {
      this.steps.closed(run.key, state);
      this.over(before);
      return run;
    }
    if (state.attempt !== null) this.steps.alive(run.key, state);
    else {
      this.steps.waits(run.key, before.state, state);
      this.attemptOver(before);
      this.ready.added(run);
    }
    this.remember(run);
    return run;
  }

  /** How it ended, where it did not complete. */
  saveFailure(key: number, failure: string | null): void {
    this.steps.outcome(key, null, failure);
  }

  get(key: number): RunRecord | undefined {
    return this.open.get(key)?.run ?? this.ends.get(key)?.run ?? this.read(key);
  }

  /** The run of an attempt, where both are remembered. */
  ofAttempt(attemptId: string): RunRecord | undefined {
    const key = this.attempts.get(attemptId);
    const run = key === undefined ? undefined : this.open.get(key)?.run;
    return run?.state.attempt?.id === attemptId ? run : undefined;
  }

  private remember(run: RunRecord): void {
    this.open.set(run.key, { run, input: this.open.get(run.key)?.input });
    this.ids.set(run.activityId, run.key);
  }

  /** Not every column is written any more: whoever wants to know reads the row. */
  private over(before: RunRecord): void {
    this.open.delete(before.key);
    this.large.delete(before.key);
    this.ids.delete(before.activityId);
    this.attemptOver(before);
  }

  private attemptOver(before: RunRecord): void {
    if (before.state.attempt === null) {
      this.ready.removed(before);
      return;
    }
    this.leases.ended(before.key);
    this.attempts.delete(before.state.attempt.id);
  }

  /** As {@link get}, from the database in any case. */
  read(key: number): RunRecord | undefined {
    return read(this.byKey.get(key));
  }

  /** Something that was written is undone, or written by other means: nothing is known without reading it. */
  forget(): void {
    this.open.clear();
    this.ids.clear();
    this.attempts.clear();
    this.ends.clear();
    this.large.clear();
    this.ready.forget();
    this.leases.forget();
  }

  /** The newest run under an id, of whatever namespace. */
  latest(activityId: string): RunRecord | undefined {
    const key = this.ids.get(activityId);
    // One that is open is the newest.
    return (key === undefined ? undefined : this.open.get(key)?.run) ?? read(this.newest.get(activityId));
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
    this.moveInstants.run(...INSTANTS.map(() => by));
  }

  /** When something is due next. */
  nextDueAt(): Micros | undefined {
    return this.nextDue.get()?.due_at;
  }

  input(key: number): RunInput {
    const known = this.open.get(key)?.input ?? this.large.take(key);
    if (known !== undefined) return known;
    const row = this.inputOf.get(key);
    return { payload: row === undefined ? null : payloadOf(row), fingerprint: row?.fingerprint ?? "" };
  }

  outcome(key: number): { readonly result: Payload | null; readonly failure: string | null } {
    const end = this.ends.get(key);
    if (end !== undefined) return { result: end.result, failure: null };
    const row = this.outcomeOf.get(key);
    return row === undefined ? { result: null, failure: null } : { result: payloadOf(row), failure: row.failure };
  }
}

interface PayloadColumns {
  readonly text: string | null;
  readonly bytes: Uint8Array | null;
  readonly reference_id: string | null;
  readonly codec: string | null;
  readonly size: number | null;
  readonly sha256: string | null;
}

function payloadOf({ text, bytes, reference_id, codec, size, sha256 }: PayloadColumns): Payload | null {
  if (bytes !== null) return new LongPayload(bytes);
  if (reference_id === null || codec === null || size === null || sha256 === null) return text;
  return { referenceId: reference_id, codec, sizeBytes: size, sha256 } satisfies PayloadReference;
}

function read(row: RunRow | undefined): RunRecord | undefined {
  return row === undefined ? undefined : runOf(row);
}
