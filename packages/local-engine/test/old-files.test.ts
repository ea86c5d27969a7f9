import { join } from "node:path";
import { ONE_ATTEMPT } from "@durable-workflow/test-support/store-records";
import { expect, it } from "vitest";
import { createLocalEngine } from "../src/index.js";
import { openConnection } from "../src/store/connection.js";
import { MIGRATIONS, migrate } from "../src/store/migrations.js";
import { Store } from "../src/store/store.js";
import { temporaryFolder } from "./support/engine.js";

/** Files as engines wrote them that kept every attempt, every input and every result in a row of its own. */
const WITH_OWN_ROWS = 5;

const NOW = Date.now() * 1000;
const LONG = NOW + 3_600_000_000;

const RUN_COLUMNS =
  "id, namespace, activity_id, run_number, run_id, execution_id, command_id, activity_type, activity_class, task_queue, " +
  "policy, status, bucket, activity_status, closed_reason, attempt_count, task_id, task_status, available_at, leased_at, " +
  "lease_owner, lease_expires_at, attempt_id, attempt_started_at, started_at, closed_at, last_progress_at, " +
  "last_heartbeat_at, due_at, history_length, beats_kept, beat_kept_at";
const POLICY = JSON.stringify({ ...ONE_ATTEMPT, maxAttempts: 3 });

function oldFile(): string {
  const file = join(temporaryFolder(), "engine.db");
  const db = openConnection(file, "off");
  migrate(db, file, MIGRATIONS.slice(0, WITH_OWN_ROWS));
  const run = (id: number, name: string, rest: string): void => {
    db.exec(`INSERT INTO runs (${RUN_COLUMNS}) VALUES (${id}, 'default', '${name}', 1, 'run-${id}', 'exec-${id}', 'cmd-${id}',
      'greet', 'greet', 'q', '${POLICY}', ${rest});
      INSERT INTO inputs (run, arguments, fingerprint) VALUES (${id}, 'wwHioz3/VYAiNwwCCgZBZGEA', 'print-${id}')`);
  };
  const attempt = (id: number, number: number, status: string, rest: string): void => {
    db.exec(`INSERT INTO attempts (run, number, attempt_id, task_id, status, lease_owner, poll_request_id, event, started_at,
      lease_expires_at, last_heartbeat_at, closed_at, progress) VALUES (${id}, ${number}, 'attempt-${id}-${number}', 'task-${id}',
      '${status}', 'w', 'poll-${id}-${number}', ${3 + number}, ${NOW}, ${LONG - 5}, ${rest})`);
  };
  const leased = (id: number, attempts: number): string =>
    `'running', 'running', 'running', NULL, ${attempts}, 'task-${id}', 'leased', ${NOW}, ${NOW}, 'w', ${LONG},
      'attempt-${id}-${attempts}', ${NOW}, ${NOW}, NULL, ${NOW}`;
  run(
    1,
    "waits",
    `'running', 'running', 'pending', NULL, 0, 'task-1', 'ready', ${NOW}, NULL, NULL, NULL, NULL, NULL, ${NOW},
    NULL, ${NOW}, NULL, NULL, 3, 0, NULL`,
  );
  run(2, "runs", `${leased(2, 1)}, NULL, ${LONG}, 4, 0, NULL`);
  attempt(2, 1, "running", "NULL, NULL, NULL");
  run(3, "beats", `${leased(3, 2)}, ${NOW}, ${LONG}, 7, 1, ${NOW}`);
  attempt(3, 1, "expired", `NULL, ${NOW}, NULL`);
  attempt(3, 2, "running", `${NOW}, NULL, '{"message":"half"}'`);
  // The count of heartbeats is younger than they are.
  run(4, "beats, uncounted", `${leased(4, 1)}, ${NOW}, ${LONG}, 5, 0, NULL`);
  attempt(4, 1, "running", `${NOW}, NULL, NULL`);
  run(
    5,
    "done",
    `'completed', 'completed', 'completed', 'completed', 1, 'task-5', 'completed', ${NOW}, ${NOW}, 'w', NULL, NULL,
    NULL, ${NOW}, ${NOW}, ${NOW}, NULL, NULL, 6, 0, NULL`,
  );
  attempt(5, 1, "completed", `NULL, ${NOW}, NULL`);
  db.exec("INSERT INTO outcomes (run, result) VALUES (5, 'wwHioz3/VYAiNwwCCgZBZGEA')");
  db.close();
  return file;
}

it("an old file's runs, attempts, arguments and results are read as they were", () => {
  const file = oldFile();
  const store = Store.open(file, { integrityCheck: "full", maxBatch: 100, now: () => NOW });
  const { attempts, leases, runs } = store;
  for (let id = 1; id <= 5; id++) {
    expect(runs.input(id)).toEqual({ payload: "wwHioz3/VYAiNwwCCgZBZGEA", fingerprint: `print-${id}` });
  }
  expect(runs.outcome(5)).toEqual({ result: "wwHioz3/VYAiNwwCCgZBZGEA", failure: null });
  expect(attempts.newestOf(1, 10)).toEqual([]);
  const told = { run: 2, number: 1, attemptId: "attempt-2-1", taskId: "task-2", status: "running", leaseOwner: "w" };
  expect(attempts.newestOf(2, 10)).toEqual([
    {
      ...told,
      event: 4,
      startedAt: NOW,
      leaseExpiresAt: LONG - 5,
      lastHeartbeatAt: null,
      closedAt: null,
      progress: null,
      failure: null,
    },
  ]);
  expect(attempts.newestOf(3, 10)).toMatchObject([
    { number: 1, status: "expired" },
    { number: 2, status: "running", progress: { message: "half" }, lastHeartbeatAt: NOW },
  ]);
  expect(attempts.newestOf(4, 10)).toMatchObject([{ number: 1, status: "running", lastHeartbeatAt: NOW }]);
  expect(attempts.newestOf(5, 10)).toMatchObject([{ number: 1, status: "completed", closedAt: NOW }]);
  expect(leases.heldBy("default", "w")).toEqual([2, 3, 4]);
  expect(leases.ofPoll("poll-2-1", "w", "default", "q")).toEqual([2]);
  expect(leases.ofPoll("poll-3-1", "w", "default", "q")).toEqual([]);
  store.close();
});

it("an old file's attempts go on, and end", async () => {
  const engine = createLocalEngine({ file: oldFile() });
  const { url } = await engine.listen();
  const ask = async (path: string, body: object): Promise<unknown> => {
    const headers = { "content-type": "application/json", "x-durable-workflow-protocol-version": "1.20" };
    const answer = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
    return answer.json();
  };
  const claim = (id: number, number: number): object => ({
    activity_attempt_id: `attempt-${id}-${number}`,
    lease_owner: "w",
  });
  const result = { codec: "avro", blob: "wwHioz3/VYAiNwwCCgZBZGEA" };
  const failure = { message: "no", non_retryable: true };
  const tasks = "/api/worker/activity-tasks";
  expect(await ask(`${tasks}/task-2/heartbeat`, claim(2, 1))).toMatchObject({ heartbeat_recorded: true });
  for (const [id, number] of [
    [2, 1],
    [3, 2],
  ] as const) {
    const report = { ...claim(id, number), result };
    expect(await ask(`${tasks}/task-${id}/complete`, report)).toMatchObject({ recorded: true });
    expect(await ask(`${tasks}/task-${id}/complete`, report)).toMatchObject({ reason: "stale_attempt" });
  }
  expect(await ask(`${tasks}/task-4/fail`, { ...claim(4, 1), failure })).toMatchObject({ recorded: true });
  expect(await ask(`${tasks}/task-5/complete`, { ...claim(5, 1), result })).toMatchObject({ reason: "stale_attempt" });
  await engine.close();
});
