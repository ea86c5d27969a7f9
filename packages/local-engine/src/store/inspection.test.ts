import { expect, it } from "vitest";
import { openConnection } from "./connection.js";
import { Inspection } from "./inspection.js";
import { migrate } from "./migrations.js";

const COLUMNS =
  "id, namespace, activity_id, run_number, run_id, execution_id, command_id, activity_type, activity_class, task_queue, " +
  "policy, status, bucket, activity_status, attempt_count, task_id, task_status, available_at, started_at, " +
  "last_progress_at, history_length";

it("runs are counted in parts, and each of them once", () => {
  const db = openConnection(":memory:", "off");
  migrate(db, ":memory:");
  db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3500)
    INSERT INTO runs (${COLUMNS}) SELECT i, iif(i % 7 = 0, 'other', 'default'), 'a' || i, 1, 'r' || i, 'e', 'c', iif(i % 2, 't', 'u'),
      't', 'q', '{}', 'running', 'running', 'pending', 0, 't' || i, 'ready', i, 0, 0, 0 FROM n`);
  const counting = new Inspection(db).groups("default", 5000);
  let parts = 1;
  let part = counting.next();
  for (; part.done !== true; part = counting.next()) parts++;
  // The last one finds nothing left.
  expect(parts).toBe(4);
  expect(part.value).toEqual({
    groups: [
      { taskQueue: "q", activityType: "t", standing: "queued", count: 1500, later: 0, oldestAvailableAt: 1 },
      { taskQueue: "q", activityType: "u", standing: "queued", count: 1500, later: 0, oldestAvailableAt: 2 },
    ],
    isWhole: true,
  });
  db.close();
});
