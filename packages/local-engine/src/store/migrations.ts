import { LocalEngineError } from "../errors.js";
import type { Connection } from "./connection.js";
import { PAYLOAD_BYTES_SQL } from "./large-payloads.js";
import { OWN_ROWS_SQL } from "./own-rows.js";
import { INTENDED_PAYLOADS_SQL, PAYLOADS_SQL } from "./payloads.js";

/**
 * The schema, one entry per version; `PRAGMA user_version` counts those that a file has had. Entries are never edited
 * once released, only added.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE namespaces (
    name TEXT PRIMARY KEY, description TEXT, created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE workers (
    namespace TEXT NOT NULL, worker_id TEXT NOT NULL, task_queue TEXT NOT NULL, runtime TEXT NOT NULL,
    sdk_version TEXT, build_id TEXT, workflow_types TEXT NOT NULL, activity_types TEXT NOT NULL,
    max_workflow_tasks INTEGER NOT NULL, max_activity_tasks INTEGER NOT NULL,
    registered_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, last_heartbeat_at INTEGER NOT NULL,
    PRIMARY KEY (namespace, worker_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE drained_queues (
    namespace TEXT NOT NULL, task_queue TEXT NOT NULL, since INTEGER NOT NULL,
    PRIMARY KEY (namespace, task_queue)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    namespace TEXT NOT NULL, activity_id TEXT NOT NULL, run_number INTEGER NOT NULL,
    run_id TEXT NOT NULL, execution_id TEXT NOT NULL, command_id TEXT NOT NULL,
    activity_type TEXT NOT NULL, activity_class TEXT NOT NULL, task_queue TEXT NOT NULL, business_key TEXT,
    policy TEXT NOT NULL,
    status TEXT NOT NULL, bucket TEXT NOT NULL, activity_status TEXT NOT NULL, closed_reason TEXT,
    attempt_count INTEGER NOT NULL,
    task_id TEXT NOT NULL, task_status TEXT NOT NULL, available_at INTEGER NOT NULL,
    leased_at INTEGER, lease_owner TEXT, lease_expires_at INTEGER,
    attempt_id TEXT, attempt_started_at INTEGER,
    started_at INTEGER NOT NULL, closed_at INTEGER, last_progress_at INTEGER NOT NULL, last_heartbeat_at INTEGER,
    schedule_to_start_at INTEGER, schedule_to_close_at INTEGER, start_to_close_at INTEGER, heartbeat_at INTEGER,
    due_at INTEGER, history_length INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX runs_of_id ON runs (activity_id, run_number);
  CREATE UNIQUE INDEX runs_of_task ON runs (task_id);
  CREATE INDEX runs_ready ON runs (namespace, task_queue, activity_type, available_at, id) WHERE task_status = 'ready';
  CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX runs_listed ON runs (namespace, id);
  CREATE INDEX runs_in_bucket ON runs (namespace, bucket, id);
  CREATE INDEX runs_closed ON runs (closed_at) WHERE closed_at IS NOT NULL;

  -- Payloads live apart: a run's own row is rewritten with every step it takes.
  CREATE TABLE inputs (run INTEGER PRIMARY KEY, arguments TEXT, fingerprint TEXT NOT NULL) STRICT;
  CREATE TABLE outcomes (run INTEGER PRIMARY KEY, result TEXT, failure TEXT) STRICT;

  CREATE TABLE attempts (
    run INTEGER NOT NULL, number INTEGER NOT NULL, attempt_id TEXT NOT NULL, task_id TEXT NOT NULL,
    status TEXT NOT NULL, lease_owner TEXT NOT NULL, poll_request_id TEXT, event INTEGER NOT NULL,
    started_at INTEGER NOT NULL, lease_expires_at INTEGER NOT NULL, last_heartbeat_at INTEGER, closed_at INTEGER,
    failure TEXT,
    PRIMARY KEY (run, number)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX attempts_of_id ON attempts (attempt_id);
  CREATE INDEX attempts_of_poll ON attempts (poll_request_id) WHERE poll_request_id IS NOT NULL AND status = 'running';

  -- The task ids of earlier attempts.
  CREATE TABLE superseded_tasks (task_id TEXT PRIMARY KEY, run INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX superseded_tasks_of_run ON superseded_tasks (run);

  -- History that no other row tells: starts and completions are read off runs and attempts.
  CREATE TABLE events (
    run INTEGER NOT NULL, sequence INTEGER NOT NULL, type TEXT NOT NULL, at INTEGER NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (run, sequence)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE runs ADD COLUMN expiries INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN beats_kept INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN beat_kept_at INTEGER;
  CREATE INDEX workers_heard ON workers (last_heartbeat_at);

  -- One row: how many commits the file has had, when the last one was, and which file this is.
  CREATE TABLE ledger (
    id INTEGER PRIMARY KEY CHECK (id = 1), commits INTEGER NOT NULL, last_at INTEGER NOT NULL, origin TEXT NOT NULL
  ) STRICT;
  INSERT INTO ledger VALUES (1, 0, 0, lower(hex(randomblob(16))));
  `,
  `
  ALTER TABLE workers ADD COLUMN registration_token TEXT NOT NULL DEFAULT '';
  ALTER TABLE workers ADD COLUMN fence TEXT NOT NULL DEFAULT '';
  ALTER TABLE workers ADD COLUMN process_identity TEXT;
  ALTER TABLE workers ADD COLUMN capabilities TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE workers ADD COLUMN capability_manifest TEXT NOT NULL DEFAULT '{}';
  ALTER TABLE workers ADD COLUMN max_worker_sessions INTEGER NOT NULL DEFAULT 10;
  ALTER TABLE workers ADD COLUMN task_slots TEXT;
  ALTER TABLE workers ADD COLUMN process_metrics TEXT;
  ALTER TABLE workers ADD COLUMN heartbeat_interval INTEGER;
  UPDATE workers SET registration_token = lower(hex(randomblob(16)));
  UPDATE workers SET fence = registration_token;

  -- Registrations that are over: their tokens end nothing any more.
  CREATE TABLE ended_registrations (
    token TEXT PRIMARY KEY, namespace TEXT NOT NULL, worker_id TEXT NOT NULL, how TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX ended_registrations_at ON ended_registrations (at);

  -- What the newest heartbeat that said anything said.
  ALTER TABLE attempts ADD COLUMN progress TEXT;
  CREATE INDEX attempts_held ON attempts (lease_owner) WHERE status = 'running';
  `,
  PAYLOADS_SQL,
  INTENDED_PAYLOADS_SQL,
  OWN_ROWS_SQL,
  `
  -- What workers have said of the arguments of their activities.
  CREATE TABLE input_schemas (
    namespace TEXT NOT NULL, task_queue TEXT NOT NULL, activity_type TEXT NOT NULL, schema TEXT NOT NULL,
    told_at INTEGER NOT NULL, PRIMARY KEY (namespace, task_queue, activity_type)
  ) STRICT, WITHOUT ROWID;
  `,
  PAYLOAD_BYTES_SQL,
];

/**
 * Brings a file to the newest schema, in one transaction: all of it or nothing. False when it was that already.
 *
 * @throws {LocalEngineError} `newer_schema`
 */
export function migrate(db: Connection, file: string, migrations: readonly string[] = MIGRATIONS): boolean {
  const version = db.pragma("user_version") as number;
  if (version > migrations.length) {
    throw new LocalEngineError(
      "newer_schema",
      `${file} has schema version ${version}, and this version of the local engine knows ${migrations.length}: update @durable-workflow/local-engine, or use another file`,
    );
  }
  if (version === migrations.length) return false;
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const migration of migrations.slice(version)) db.exec(migration);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec("COMMIT");
    return true;
  } catch (error) {
    if (db.inTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
