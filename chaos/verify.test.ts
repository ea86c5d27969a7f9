import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen } from "@durable-workflow/test-support/loopback";
import { expect, it, onTestFinished } from "vitest";
import type { DoneFault } from "./injector.js";
import { Ledger } from "./ledger.js";
import type { Part } from "./part.js";
import { DISPATCHERS, scheduleOf } from "./schedule.js";
import { verify } from "./verify.js";
import { taskOf } from "./workload.js";

const SEED = 5;
const TASKS = 200;
/** One that completes at its first attempt. */
const INDEX = Array.from({ length: TASKS }, (_, index) => index).findIndex(
  (index) => taskOf(SEED, index, TASKS).kind === "quick",
);
const { id: ID } = taskOf(SEED, INDEX, TASKS);

/** What the parts of a run have said of one task; each test changes one thing. */
function story() {
  return {
    journal: [`B ${INDEX}`, `A ${INDEX} run-1 1000 5`, `E ${INDEX} completed - 1 1200`],
    runs: [`${INDEX} 1 1100 run-1`],
    told: [{ level: 30, event: "task_ended", attemptId: "ATTEMPT-1", end: "completed", detail: null as string | null }],
    recorded: [
      {
        activity_id: ID,
        workflow_run_id: "run-1",
        activity_execution_id: "execution-1",
        status: "completed",
        attempt_count: 1,
        attempts: [
          { id: "ATTEMPT-1", attempt_number: 1, status: "completed", lease_owner: "vm-77-0123abcd:0123456789" },
        ],
      },
    ],
    history: ["StartAccepted", "ActivityStarted", "ActivityCompleted", "WorkflowCompleted"],
    faults: [] as DoneFault[],
    killed: [] as number[],
  };
}

type Story = ReturnType<typeof story>;

async function wrongWith(change: (told: Story) => void): Promise<readonly string[]> {
  const said = story();
  change(said);
  const folder = mkdtempSync(join(tmpdir(), "dw-chaos-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "effects"));
  const lines = (name: string, all: readonly string[]): void =>
    writeFileSync(join(folder, name), all.map((line) => `${line}\n`).join(""));
  lines("journal-000000.log", said.journal);
  lines("runs.log", said.runs);
  lines(
    "dispatcher-1.log",
    said.told.map((line) => JSON.stringify(line)),
  );
  const parts = new Map(
    DISPATCHERS.map((name) => {
      const lives = said.killed.map((pid) => ({ pid, from: 0, to: 1, end: "killed" as const }));
      return [name, { output: join(folder, `${name}.log`), lives: name === "dispatcher-1" ? lives : [] }];
    }),
  ) as unknown as ReadonlyMap<string, Part>;
  const engine = await listen(
    createServer((request, response) => {
      const isList = request.url?.startsWith("/api/activities") === true;
      const events = said.history.map((event_type, place) => ({ sequence: place + 1, event_type }));
      const body = isList ? { activities: said.recorded } : { events };
      response.end(JSON.stringify({ ...body, next_page_token: null }));
    }),
  );
  onTestFinished(() => engine.close());
  const ledger = new Ledger(folder, { seed: SEED, tasks: TASKS, startedAt: 0 });
  const inputs = { folder, engineUrl: engine.url, seed: SEED, tasks: TASKS, ledger, parts, faults: said.faults };
  return (await verify(inputs)).wrong;
}

it("finds nothing wrong with a start that has one outcome, told once and alike", async () => {
  expect(await wrongWith(() => undefined)).toEqual([]);
});

const CHANGES: readonly (readonly [string, (told: Story) => void, RegExp])[] = [
  ["is not on record", (told) => void told.recorded.pop(), /acknowledged, and is not recorded/],
  ["is on record twice", (told) => void told.recorded.push(...story().recorded), /on record twice/],
  ["is on record as open", (told) => Object.assign(told.recorded[0] ?? {}, { status: "running" }), /is running/],
  [
    "has a run of nobody",
    (told) => Object.assign(told.recorded[0] ?? {}, { workflow_run_id: "x" }),
    /nobody has started/,
  ],
  ["was not acknowledged", (told) => void told.journal.push("B 0"), /1 of 2 starts were acknowledged/],
  ["was not told to its client", (told) => void told.journal.pop(), /its client was not told/],
  ["was told twice", (told) => void told.journal.push(told.journal.at(-1) ?? ""), /told to the client twice/],
  [
    "was told otherwise",
    (told) => void told.journal.splice(2, 1, `E ${INDEX} failed Odd 1 9`),
    /its client was told failed/,
  ],
  [
    "has a wrong result",
    (told) => void told.journal.splice(2, 1, `E ${INDEX} wrong_result - 1 9`),
    /told wrong_result/,
  ],
  ["was told twice by dispatchers", (told) => void told.told.push(...story().told), /was told completed and completed/],
  ["was told otherwise by one", (told) => Object.assign(told.told[0] ?? {}, { end: "failed" }), /told as failed/],
  ["was not told by one that lives", (told) => void told.told.pop(), /was not killed/],
  [
    "was told and is not recorded",
    (told) => void told.told.push(...story().told.map((one) => Object.assign(one, { attemptId: "x" }))),
    /not recorded/,
  ],
  ["has not run", (told) => void told.runs.pop(), /has not run/],
  ["ran twice for no reason", (told) => void told.runs.push(...story().runs), /no fault was near/],
  ["ends twice in its history", (told) => void told.history.push("WorkflowFailed"), /ends WorkflowCompleted and/],
];

it.each(CHANGES)("says so when one %s", async (_, change, says) => {
  expect((await wrongWith(change)).join("\n")).toMatch(says);
});

it("takes a fault that was near, and the death of a dispatcher, for reasons", async () => {
  const { carrier } = taskOf(SEED, INDEX, TASKS);
  const fault = {
    kind: "harm",
    target: `dispatcher-2>carrier-${carrier}`,
    atMs: 0,
    forMs: 1,
    amount: 1,
    from: 1000,
    to: 1200,
  } as const;
  expect(
    await wrongWith((told) => {
      told.runs.push(...story().runs);
      told.faults.push(fault);
      told.told.pop();
      told.killed.push(77);
    }),
  ).toEqual([]);
});

it("does the same faults for the same seed, and leaves no kind out", () => {
  const schedule = scheduleOf(1, 2, 30);
  expect(scheduleOf(1, 2, 30)).toEqual(schedule);
  expect(scheduleOf(2, 2, 30)).not.toEqual(schedule);
  expect(new Set(schedule.map(({ kind }) => kind)).size).toBe(6);
});
