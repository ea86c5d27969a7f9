import fc from "fast-check";
import { expect, it } from "vitest";
import { openConnection } from "./connection.js";
import { migrate } from "./migrations.js";
import { ReadyTasks } from "./ready-tasks.js";
import type { RunRecord } from "./records.js";

const COLUMNS =
  "id, namespace, activity_id, run_number, run_id, execution_id, command_id, activity_type, activity_class, task_queue, " +
  "policy, status, bucket, activity_status, attempt_count, task_id, task_status, available_at, started_at, " +
  "last_progress_at, history_length";

/** How many tasks wait for a start: more than are read at once, and than are held. */
const MANY = [0, 10, 64, 65, 200, 1100];
const TYPES = ["t", "u"];

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom("add", "add", "take", "take", "remove", "look", "forget"),
    type: fc.constantFrom(...TYPES),
    at: fc.integer({ min: 0, max: 40 }),
    times: fc.integer({ min: 1, max: 80 }),
  }),
  { minLength: 5, maxLength: 40 },
);

it("the heads of lines that are held are those in the database, whatever comes and goes", () => {
  fc.assert(
    fc.property(fc.constantFrom(...MANY), steps, (many, script) => {
      const db = openConnection(":memory:", "off");
      migrate(db, ":memory:");
      const insert = db.prepare(
        `INSERT INTO runs (${COLUMNS}) VALUES (?1, 'n', 'a' || ?1, 1, 'r', 'e', 'c', ?2, 't', 'q', '{}', 'running', 'running',
           'pending', 0, 't' || ?1, 'ready', ?3, 0, 0, 0)`,
      );
      const take = db.prepare("UPDATE runs SET task_status = 'leased' WHERE id = ?");
      const held = new ReadyTasks(db);
      const runs = new Map<number, RunRecord>();
      let keys = 0;
      const add = (type: string, at: number): void => {
        const key = ++keys;
        insert.run(key, type, at);
        const state = { task: { availableAt: at } };
        const run = { key, namespace: "n", taskQueue: "q", activityType: type, state } as RunRecord;
        runs.set(key, run);
        held.added(run);
      };
      const remove = (key: number): void => {
        const run = runs.get(key);
        if (run === undefined) return;
        runs.delete(key);
        take.run(key);
        held.removed(run);
      };
      for (let n = 0; n < many; n++) add(TYPES[n % 2] ?? "t", n % 30);
      for (const { kind, type, at, times } of script) {
        for (let n = 0; n < times; n++) {
          if (kind === "add") add(type, at + (n % 3));
          else if (kind === "take") {
            const first = held.firstRun("n", "q", [type], at);
            expect(first).toBe(new ReadyTasks(db).firstRun("n", "q", [type], at));
            if (first !== undefined) remove(first);
          } else if (kind === "remove") remove((at * 7919 + n * 104_729) % (keys + 1));
        }
        if (kind === "forget") held.forget();
        const read = new ReadyTasks(db);
        for (const now of [0, at, 100]) {
          expect(held.firstRun("n", "q", TYPES, now)).toBe(read.firstRun("n", "q", TYPES, now));
          expect(held.nextAt("n", "q", TYPES, now)).toBe(read.nextAt("n", "q", TYPES, now));
        }
      }
      db.close();
    }),
    { numRuns: 40 },
  );
});
