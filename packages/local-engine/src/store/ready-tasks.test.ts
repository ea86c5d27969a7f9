import { expect, it } from "vitest";
import { openConnection } from "./connection.js";
import { migrate } from "./migrations.js";
import { FIRST_READY_SQL, NEXT_READY_SQL } from "./ready-tasks.js";
import { DUE_SQL, NEXT_DUE_SQL } from "./runs.js";

/** Whether a statement looks up what it needs, whatever the number of rows. */
function planOf(sql: string, ...parameters: (string | number)[]): string {
  const db = openConnection(":memory:", "off");
  migrate(db, "memory");
  const steps = db.prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
  return steps.map(({ detail }) => detail).join("; ");
}

const indexed = (index: string): RegExp => new RegExp(`^SEARCH runs USING (?:COVERING )?INDEX ${index} \\([^;]*$`);

it("the first task in line is looked up in the index, and nothing is sorted", () => {
  expect(planOf(FIRST_READY_SQL, "n", "q", "t", 64)).toMatch(indexed("runs_ready"));
  expect(planOf(NEXT_READY_SQL, "n", "q", "t", 1)).toMatch(indexed("runs_ready"));
});

it("what is due is looked up in the index", () => {
  expect(planOf(DUE_SQL, 1, 10)).toMatch(indexed("runs_due"));
  expect(planOf(NEXT_DUE_SQL)).toMatch(/^(?:SCAN|SEARCH) runs USING COVERING INDEX runs_due/);
});
