import { BUCKET_OF, type Standing } from "@durable-workflow/engine-protocol/control";
import type { Micros } from "../engine/model.js";
import type { Connection, Parameter, Statement } from "./connection.js";
import { LONGEST_TEXT, textLengthSql } from "./large-payloads.js";
import type { RunRecord } from "./records.js";
import { type RunRow, runOf } from "./run-rows.js";

/** Runs that one page of a list looks at, at most: the engine does nothing else meanwhile. */
const LOOKED_AT = 20_000;
/** Of each bucket, when runs are counted. */
export const MOST_COUNTED = 100_000;
/** Of those, so many without a pause. */
const COUNTED_AT_ONCE = 1_000;
/** Characters of a payload that is given whole. */
const SHORT_PAYLOAD = LONGEST_TEXT;
const LONGEST_LINE = 200;

/** Where a run stands, at the instant `?1`; see {@link Standing}. */
const STANDING = `CASE
  WHEN bucket = 'completed' THEN 'succeeded'
  WHEN status IN ('cancelled', 'terminated') THEN 'cancelled'
  WHEN bucket = 'failed' THEN 'failed'
  WHEN task_status = 'leased' THEN
    CASE WHEN coalesce(lease_expires_at, ?1) < ?1 OR coalesce(heartbeat_at, ?1) < ?1 THEN 'stalled' ELSE 'running' END
  WHEN attempt_count > 0 THEN 'retrying'
  WHEN available_at > ?1 THEN 'delayed'
  ELSE 'queued' END`;

export interface InspectionFilter {
  /** Empty lists filter nothing. */
  readonly standings: readonly Standing[];
  readonly types: readonly string[];
  readonly queues: readonly string[];
  readonly idPart: string | undefined;
  readonly since: Micros | undefined;
  readonly until: Micros | undefined;
  /** A key: only runs that were started before that one. */
  readonly before: number | undefined;
}

export interface InspectedRecord {
  readonly run: RunRecord;
  readonly standing: Standing;
  /** JSON, as the newest heartbeat that said anything said it. */
  readonly progress: string | null;
  readonly failure: { readonly type: string | null; readonly message: string } | null;
}

export interface InspectedRecords {
  readonly records: readonly InspectedRecord[];
  readonly nextBefore: number | undefined;
  readonly lookedAt: number;
}

export interface GroupRecord {
  readonly taskQueue: string;
  readonly activityType: string;
  readonly standing: Standing;
  readonly count: number;
  /** How many of them may not be leased yet. */
  readonly later: number;
  /** Of tasks that are ready: as `waitsFrom` of the model has it. */
  readonly oldestAvailableAt: Micros;
}

export interface Groups {
  readonly groups: readonly GroupRecord[];
  readonly isWhole: boolean;
}

export interface PayloadRecordBrief {
  readonly codec: string | null;
  /** Characters of base64. */
  readonly length: number;
  readonly blob: string | null;
  readonly referenceId: string | null;
  readonly sha256: string | null;
}

interface GroupRow {
  readonly task_queue: string;
  readonly activity_type: string;
  readonly standing: Standing;
  readonly n: number;
  readonly later: number;
  readonly oldest: number;
  readonly last: number;
}

interface PayloadRow {
  readonly length: number | null;
  readonly blob: string | null;
  readonly reference_id: string | null;
  readonly codec: string | null;
  readonly size: number | null;
  readonly sha256: string | null;
}

type InspectedRow = RunRow & { readonly standing: Standing };

/** Reads for those who look at the engine. Each looks at a bounded number of rows. */
export class Inspection {
  private readonly db: Connection;
  private readonly pages = new Map<string, Statement<InspectedRow>>();
  private readonly ends = new Map<string, Statement<{ id: number }>>();
  private readonly byRunId: Statement<InspectedRow>;
  private readonly byKey: Statement<InspectedRow>;
  private readonly ofId: Statement<InspectedRow>;
  private readonly groupsIn: Statement<GroupRow>;
  private readonly newestProgress: Statement<{ progress: string | null }>;
  private readonly newestFailure: Statement<{ type: string | null; message: string | null }>;
  private readonly outcomeFailure: Statement<{ type: string | null; message: string | null }>;
  private readonly drained: Statement<{ task_queue: string; since: number }>;
  private readonly retries: Statement<{ number: number; available: number }>;
  private readonly beats: Statement<{ at: number; number: number; progress: string }>;
  private readonly inputOf: Statement<PayloadRow>;
  private readonly resultOf: Statement<PayloadRow>;

  constructor(db: Connection) {
    this.db = db;
    const select = `SELECT *, ${STANDING} AS standing FROM runs WHERE`;
    this.byRunId = db.prepare(`${select} namespace = ?2 AND run_id = ?3 AND activity_id = ?4`);
    this.byKey = db.prepare(`${select} id = ?2`);
    this.ofId = db.prepare(`${select} namespace = ?2 AND activity_id = ?3 ORDER BY run_number DESC LIMIT ?4`);
    this.groupsIn = db.prepare(
      `SELECT task_queue, activity_type, ${STANDING} AS standing, count(*) AS n,
         sum(available_at > ?1) AS later, min(max(available_at, last_progress_at)) AS oldest, min(id) AS last
       FROM (SELECT * FROM runs WHERE namespace = ?2 AND bucket = ?3 AND id < ?4 ORDER BY id DESC LIMIT ?5)
       GROUP BY 1, 2, 3`,
    );
    this.newestProgress = db.prepare(
      "SELECT progress FROM attempts WHERE run = ? AND progress IS NOT NULL ORDER BY number DESC LIMIT 1",
    );
    const line = `json_extract(failure, '$.type') AS type, substr(json_extract(failure, '$.message'), 1, ${LONGEST_LINE}) AS message`;
    this.newestFailure = db.prepare(
      `SELECT ${line} FROM attempts WHERE run = ? AND failure IS NOT NULL ORDER BY number DESC LIMIT 1`,
    );
    this.outcomeFailure = db.prepare(`SELECT ${line} FROM outcomes WHERE run = ? AND failure IS NOT NULL`);
    this.drained = db.prepare(
      "SELECT task_queue, since FROM drained_queues WHERE namespace = ? ORDER BY task_queue LIMIT ?",
    );
    this.retries = db.prepare(
      `SELECT json_extract(data, '$.attemptNumber') AS number, json_extract(data, '$.retryAvailableAt') AS available
       FROM events WHERE run = ? AND type = 'ActivityRetryScheduled' ORDER BY sequence DESC LIMIT ?`,
    );
    this.beats = db.prepare(
      `SELECT at, json_extract(data, '$.attemptNumber') AS number, json_extract(data, '$.progress') AS progress
       FROM events WHERE run = ? AND type = 'ActivityHeartbeatRecorded' ORDER BY sequence DESC LIMIT ?`,
    );
    this.inputOf = db.prepare(payloadSql("inputs", "arguments"));
    this.resultOf = db.prepare(payloadSql("outcomes", "result"));
  }

  /** A page of a namespace, newest first. It may hold less than asked for, and not be the last. */
  page(namespace: string, filter: InspectionFilter, limit: number, now: Micros): InspectedRecords {
    const { from, parameters } = windowOf(namespace, filter);
    const { conditions, values } = conditionsOf(filter, parameters.length + 2);
    const all: Parameter[] = [now, ...parameters, ...values];
    const sql = `SELECT * FROM (SELECT *, ${STANDING} AS standing FROM (SELECT * ${from} LIMIT ${LOOKED_AT}))${conditions} LIMIT ${limit}`;
    const rows = this.statement(this.pages, sql).all(...all);
    if (rows.length === limit) {
      const last = rows.at(-1);
      return { records: this.withLines(rows), nextBefore: last?.id, lookedAt: rows.length };
    }
    const end = this.statement(this.ends, `SELECT id ${from} LIMIT 1 OFFSET ${LOOKED_AT - 1}`).get(null, ...parameters);
    return { records: this.withLines(rows), nextBefore: end?.id, lookedAt: LOOKED_AT };
  }

  ofRuns(namespace: string, runIds: readonly string[], now: Micros): readonly InspectedRecord[] {
    return this.withLines(
      runIds.flatMap((pair) => {
        const at = pair.lastIndexOf("/");
        const row = this.byRunId.get(now, namespace, pair.slice(at + 1), pair.slice(0, Math.max(at, 0)));
        return row === undefined ? [] : [row];
      }),
    );
  }

  get(key: number, now: Micros): InspectedRecord | undefined {
    return this.withLines(this.byKey.all(now, key))[0];
  }

  /** Runs of an id, newest first. */
  runsOf(namespace: string, activityId: string, limit: number, now: Micros): readonly InspectedRecord[] {
    return this.ofId.all(now, namespace, activityId, limit).map((row) => ({
      run: runOf(row),
      standing: row.standing,
      progress: null,
      failure: null,
    }));
  }

  /**
   * How many runs stand how, by queue and type. Of each bucket the newest {@link MOST_COUNTED} count. In parts: each takes a
   * few milliseconds, and what happens between two of them may be counted or not.
   */
  *groups(namespace: string, now: Micros): Generator<void, Groups> {
    const groups = new Map<string, GroupRecord>();
    let isWhole = true;
    for (const bucket of ["running", "failed", "completed"]) {
      let counted = 0;
      for (let before = Number.MAX_SAFE_INTEGER; ; ) {
        const rows = this.groupsIn.all(now, namespace, bucket, before, COUNTED_AT_ONCE);
        let part = 0;
        for (const row of rows) {
          addGroup(groups, row);
          part += row.n;
          before = Math.min(before, row.last);
        }
        counted += part;
        if (part < COUNTED_AT_ONCE) break;
        if (counted >= MOST_COUNTED) {
          isWhole = false;
          break;
        }
        yield;
      }
    }
    return { groups: [...groups.values()], isWhole };
  }

  drainedQueues(namespace: string, limit: number): readonly { readonly taskQueue: string; readonly since: Micros }[] {
    return this.drained.all(namespace, limit).map((row) => ({ taskQueue: row.task_queue, since: row.since }));
  }

  /** From when on the attempt after each could be leased, by the number of the one before. */
  retriesOf(run: number, limit: number): ReadonlyMap<number, Micros> {
    return new Map(this.retries.all(run, limit).map(({ number, available }) => [number, available]));
  }

  /** The newest heartbeats that history keeps, newest first; what each said is JSON. */
  beatsOf(
    run: number,
    limit: number,
  ): readonly { readonly at: Micros; readonly number: number; readonly progress: string }[] {
    return this.beats.all(run, limit);
  }

  input(run: number): PayloadRecordBrief | undefined {
    return briefOf(this.inputOf.get(run));
  }

  result(run: number): PayloadRecordBrief | undefined {
    return briefOf(this.resultOf.get(run));
  }

  private withLines(rows: readonly InspectedRow[]): readonly InspectedRecord[] {
    return rows.map((row) => {
      const run = runOf(row);
      const isTried = run.state.attemptCount > 0;
      const failure = isTried ? (this.newestFailure.get(row.id) ?? this.outcomeFailure.get(row.id)) : undefined;
      return {
        run,
        standing: row.standing,
        progress: isTried ? (this.newestProgress.get(row.id)?.progress ?? null) : null,
        failure: failure === undefined ? null : { type: failure.type, message: failure.message ?? "" },
      };
    });
  }

  /** Filters are few, but each number of values has a text of its own. */
  private statement<Row>(kept: Map<string, Statement<Row>>, sql: string): Statement<Row> {
    let statement = kept.get(sql);
    if (statement === undefined) {
      if (kept.size >= 64) kept.clear();
      statement = this.db.prepare<Row>(sql);
      kept.set(sql, statement);
    }
    return statement;
  }
}

function addGroup(groups: Map<string, GroupRecord>, row: GroupRow): void {
  const key = JSON.stringify([row.task_queue, row.activity_type, row.standing]);
  const known = groups.get(key);
  groups.set(key, {
    taskQueue: row.task_queue,
    activityType: row.activity_type,
    standing: row.standing,
    count: row.n + (known?.count ?? 0),
    later: row.later + (known?.later ?? 0),
    oldestAvailableAt: Math.min(row.oldest, known?.oldestAvailableAt ?? row.oldest),
  });
}

/** The runs that a page looks through, by an index, and the parameters from `?2` on. */
function windowOf(
  namespace: string,
  { standings, before }: InspectionFilter,
): { readonly from: string; readonly parameters: readonly Parameter[] } {
  const buckets = new Set(standings.map((standing) => BUCKET_OF[standing]));
  const [bucket] = buckets;
  const parameters: Parameter[] = [namespace];
  let where = "namespace = ?2";
  if (buckets.size === 1 && bucket !== undefined) {
    parameters.push(bucket);
    where += ` AND bucket = ?${parameters.length + 1}`;
  }
  if (before !== undefined) {
    parameters.push(before);
    where += ` AND id < ?${parameters.length + 1}`;
  }
  return { from: `FROM runs WHERE ?1 IS NOT -1 AND ${where} ORDER BY id DESC`, parameters };
}

/** @param first the number of the first parameter */
function conditionsOf(
  { standings, types, queues, idPart, since, until }: InspectionFilter,
  first: number,
): { readonly conditions: string; readonly values: readonly Parameter[] } {
  const values: Parameter[] = [];
  const next = (value: Parameter): string => {
    values.push(value);
    return `?${first + values.length - 1}`;
  };
  const oneOf = (column: string, list: readonly string[]): readonly string[] =>
    list.length === 0 ? [] : [`${column} IN (${list.map(next).join(", ")})`];
  const conditions = [
    ...oneOf("standing", standings),
    ...oneOf("activity_type", types),
    ...oneOf("task_queue", queues),
    ...(idPart === undefined ? [] : [`instr(activity_id, ${next(idPart)}) > 0`]),
    ...(since === undefined ? [] : [`started_at >= ${next(since)}`]),
    ...(until === undefined ? [] : [`started_at < ${next(until)}`]),
  ];
  return { conditions: conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`, values };
}

function payloadSql(table: string, column: string): string {
  const text = `coalesce(r.${column}, o.${column})`;
  // What is kept as bytes is longer.
  return `SELECT coalesce(length(${text}), ${textLengthSql("o.bytes")}) AS length, CASE WHEN length(${text}) <= ${SHORT_PAYLOAD} THEN ${text} END AS blob,
      p.reference_id, p.codec, p.size, p.sha256
    FROM runs r LEFT JOIN ${table} o ON o.run = r.id LEFT JOIN payloads p ON p.id = o.payload WHERE r.id = ?`;
}

function briefOf(row: PayloadRow | undefined): PayloadRecordBrief | undefined {
  const length = row?.length ?? row?.size;
  if (row === undefined || length === null || length === undefined) return undefined;
  return { codec: row.codec, length, blob: row.blob, referenceId: row.reference_id, sha256: row.sha256 };
}
