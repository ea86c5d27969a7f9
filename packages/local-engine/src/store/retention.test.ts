import { expect, it } from "vitest";
import { openConnection } from "./connection.js";
import { migrate } from "./migrations.js";
import { Payloads } from "./payloads.js";
import { Retention, ROWS_AT_ONCE } from "./retention.js";

const COLUMNS =
  "id, namespace, activity_id, run_number, run_id, execution_id, command_id, activity_type, activity_class, task_queue, " +
  "policy, status, bucket, activity_status, attempt_count, task_id, task_status, available_at, started_at, closed_at, " +
  "last_progress_at, history_length";

it("a run with many attempts and events is removed in pieces, and nothing is left of it", () => {
  const db = openConnection(":memory:", "off");
  migrate(db, ":memory:");
  const events = 4 * ROWS_AT_ONCE + 7;
  const attempts = 2 * ROWS_AT_ONCE;
  for (const id of [1, 2, 3]) {
    const closedAt = id === 3 ? 500 : 10;
    db.exec(`INSERT INTO runs (${COLUMNS}) VALUES (${id}, 'default', 'a${id}', 1, 'r${id}', 'e', 'c', 't', 't', 'q', '{}',
      'completed', 'completed', 'completed', 1, 't${id}', 'completed', 0, 0, ${closedAt}, 0, 0)`);
    db.exec(`INSERT INTO inputs (run, fingerprint) VALUES (${id}, ''); INSERT INTO outcomes (run) VALUES (${id})`);
    const rows = (count: number): string =>
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
    db.exec(`${rows(events)} INSERT INTO events SELECT ${id}, i, 'ActivityHeartbeatRecorded', i, '{}' FROM n`);
    db.exec(`${rows(attempts)} INSERT INTO attempts (run, number, attempt_id, task_id, status, lease_owner, event, started_at,
      lease_expires_at) SELECT ${id}, i, 'at' || ${id} || '-' || i, 't', 'expired', 'w', i, i, i FROM n`);
    db.exec(`INSERT INTO superseded_tasks VALUES ('s${id}', ${id})`);
  }
  const changes = db.prepare<{ n: number }>("SELECT total_changes() AS n");
  const changed = (): number => changes.get()?.n ?? 0;
  const gone: number[] = [];
  const retention = new Retention(db, new Payloads(db), (run) => gone.push(run));

  let passes = 0;
  for (let isDone = false; !isDone; passes++) {
    const before = changed();
    ({ isDone } = retention.prune(100, 50, 1000, () => true));
    // One piece, or the last pieces of a run with its own rows.
    expect(changed() - before).toBeLessThanOrEqual(2 * ROWS_AT_ONCE + 10);
  }
  expect(passes).toBeGreaterThan(2 * (events / ROWS_AT_ONCE));

  for (const [table, key] of Object.entries({
    runs: "id",
    inputs: "run",
    outcomes: "run",
    events: "run",
    attempts: "run",
    superseded_tasks: "run",
  })) {
    expect(db.prepare(`SELECT DISTINCT ${key} AS run FROM ${table}`).all(), table).toMatchObject([{ run: 3 }]);
  }
  expect(gone).toEqual([1, 2]);
  expect(retention.prune(600, 1, 1000, () => false)).toEqual({ removed: 1, isDone: false });
  expect(retention.prune(600, 1, 1000, () => false)).toEqual({ removed: 0, isDone: true });
  db.close();
});
