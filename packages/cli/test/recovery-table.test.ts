import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client } from "@durable-workflow/test-support/engine-client";
import { freePort } from "@durable-workflow/test-support/loopback";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { begin, folderOf, jsonLines, Running } from "./support/cli.js";

/** RECOVERY_TASKS=1000 RECOVERY_SLACK=1 is the whole table, on a machine that has nothing else to do. */
const TASKS = Number(process.env["RECOVERY_TASKS"] ?? 200);
const SLACK = Number(process.env["RECOVERY_SLACK"] ?? 2);
/** On a machine that is busy with other things: times of the start of the same process, until it says that it is up. */
const STARTS = 4;
/** As long may such a machine keep a process from running, unless the table is measured. Far less than a lease. */
const AWAY_MS = process.env["RECOVERY_SLACK"] === undefined ? 9_000 : 0;
const KILLED_AFTER = Math.round(TASKS * 0.3);
const TASK_MS = 50;
const IN_FLIGHT = Math.max(25, TASKS / 10);
/** Of the library's engine, for workers that renew. */
const SHORT_LEASE_MS = 30_000;
const LONG_MS = 180_000;

const ENGINE = fileURLToPath(new URL("support/engine-process.mjs", import.meta.url));
const DISPATCHER = fileURLToPath(new URL("support/dispatcher-process.mjs", import.meta.url));

const ACTIVITIES = `
import { appendFileSync } from "node:fs";
const note = (word, index) => appendFileSync(process.env.RUNS, word + " " + index + " " + Date.now() + "\\n");
export const work = async (index) => {
  note("B", index);
  await new Promise((resolve) => setTimeout(resolve, ${TASK_MS}));
  note("E", index);
};
`;

/** How one kill went; times in milliseconds, from when what was killed was started again. */
interface Row {
  readonly killed: string;
  readonly completed: number;
  /** Attempts beyond the first of each. */
  readonly moreAttempts: number;
  readonly begunTwice: number;
  /** Until it said that it was up. */
  readonly up: number;
  /** Until a task began that had not begun before. */
  readonly firstOther: number;
  /** Until the last of those that it held had begun anew; 0 where none had to. */
  readonly heldAgain: number;
  /** Tasks that began before those, and had not begun before: however slow the machine is, the order is the engine's. */
  readonly othersFirst: number;
  /** As `heldAgain`, from the kill. */
  readonly heldSinceKill: number;
  readonly allDone: number;
}

const rows: Row[] = [];

afterAll(() => {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |\n`;
  const head = [
    "killed",
    "completed",
    "attempts more",
    "begun twice",
    "up",
    "first other",
    "held again",
    "others first",
    "since the kill",
    "all done",
  ];
  const text = rows.map((row) =>
    line(Object.values(row).map((cell) => (typeof cell === "number" ? Math.round(cell) : cell))),
  );
  process.stdout.write(
    `${TASKS} tasks of ${TASK_MS} ms, killed after ${KILLED_AFTER}; times in ms\n${line(head)}${text.join("")}`,
  );
});

/** Everything that a row needs, with a way to kill and start each part. */
class Scene {
  readonly folder = folderOf({ "a.mjs": ACTIVITIES });
  readonly runs = join(this.folder, "runs.log");
  private readonly environment = { RUNS: this.runs };
  url = "";

  /** The library's engine with its own defaults. */
  async engine(port: number): Promise<Running> {
    const options = JSON.stringify({ file: join(this.folder, "engine.db") });
    const running = spawned([ENGINE, options, String(port)]);
    await running.until(/ready/);
    this.url = `http://127.0.0.1:${port}`;
    return running;
  }

  async carrier(port: number): Promise<Running> {
    const args = ["serve", "a.mjs", "--port", String(port), "--linger", "0", "--json"];
    const running = begin(args, { cwd: this.folder, env: this.environment });
    await running.until(new RegExp(`127\\.0\\.0\\.1:${port}`));
    return running;
  }

  async dispatcher(carrierPort: number, more: object): Promise<Running> {
    const options = {
      connection: { serverUrl: this.url },
      maxInFlight: IN_FLIGHT,
      config: {
        schema: "durable-workflow.external-executor.config",
        version: 1,
        defaults: { task_queue: "default" },
        carriers: { one: { type: "invocable_http", url: `http://127.0.0.1:${carrierPort}/` } },
        mappings: [{ name: "work", kind: "activity", activity_type: "work", carrier: "one", handler: "work" }],
      },
      ...more,
    };
    const running = spawned([DISPATCHER, JSON.stringify(options)]);
    await running.until(/ready/);
    return running;
  }

  async dev(): Promise<Running> {
    const running = begin(["dev", "a.mjs", "--engine-port", "0", "--json"], {
      cwd: this.folder,
      env: this.environment,
    });
    await running.until(/"engineUrl"/);
    this.url = String(jsonLines(running.stdout).find((line) => "engineUrl" in line)?.["engineUrl"]);
    return running;
  }

  /** Starts all tasks, kills after some, starts again, and looks until the end. */
  async play(killed: string, victim: Running, again: () => Promise<Running>): Promise<Row> {
    const starter = new Client(this.url);
    for (let from = 0; from < TASKS; from += IN_FLIGHT) {
      const some = Array.from({ length: Math.min(IN_FLIGHT, TASKS - from) }, (_, place) => from + place);
      await Promise.all(
        some.map((index) => starter.started("work", "default", { activity_id: `t-${index}`, input: [index] })),
      );
    }
    while (this.said().ended.size < KILLED_AFTER) await sleep(5);
    await victim.stop("SIGKILL");
    const killedAt = Date.now();
    const before = this.said();
    const startedAt = Date.now();
    await again();
    const upAt = Date.now();
    const client = new Client(this.url);
    let open = TASKS;
    for (const until = Date.now() + LONG_MS; open > 0 && Date.now() < until; await sleep(20)) {
      const { body } = await client.call("GET", "/api/activities?status=running&page_size=1");
      open = body.activities.length;
    }
    const doneAt = Date.now();
    const after = this.said();
    let [completed, moreAttempts] = [0, 0];
    for (let index = 0; index < TASKS; index++) {
      const { status, attempt_count: attempts } = await client.describe(`t-${index}`);
      if (status === "completed") completed++;
      moreAttempts += attempts - 1;
    }
    const held = [...before.begun.keys()].filter((index) => (after.begun.get(index)?.length ?? 0) > 1);
    const heldAt = Math.max(0, ...held.map((index) => after.begun.get(index)?.at(-1) ?? 0));
    const others = [...after.begun].flatMap(([index, at]) => (before.begun.has(index) ? [] : at));
    const row: Row = {
      killed,
      completed,
      moreAttempts,
      begunTwice: held.length,
      up: upAt - startedAt,
      firstOther: Math.max(0, Math.min(...others) - startedAt),
      heldAgain: Math.max(0, heldAt - startedAt),
      othersFirst: others.filter((at) => at < heldAt).length,
      heldSinceKill: Math.max(0, heldAt - killedAt),
      allDone: doneAt - killedAt,
    };
    rows.push(row);
    return row;
  }

  private said(): { readonly begun: Map<number, number[]>; readonly ended: Set<number> } {
    const begun = new Map<number, number[]>();
    const ended = new Set<number>();
    const text = existsSync(this.runs) ? readFileSync(this.runs, "utf8") : "";
    for (const line of text.split("\n").slice(0, -1)) {
      const [word, number, at] = line.split(" ");
      const index = Number(number);
      if (word === "E") ended.add(index);
      else begun.set(index, [...(begun.get(index) ?? []), Number(at)]);
    }
    return { begun, ended };
  }
}

function spawned(args: readonly string[]): Running {
  const running = new Running(process.execPath, args);
  onTestFinished(async () => {
    await running.stop("SIGKILL");
  });
  return running;
}

async function separate(worker: object = {}) {
  const scene = new Scene();
  const [enginePort, carrierPort] = [await freePort(), await freePort()];
  const engine = await scene.engine(enginePort);
  const carrier = await scene.carrier(carrierPort);
  const dispatcher = await scene.dispatcher(carrierPort, worker);
  return {
    scene,
    parts: { engine, carrier, dispatcher },
    again: {
      engine: () => scene.engine(enginePort),
      carrier: () => scene.carrier(carrierPort),
      dispatcher: () => scene.dispatcher(carrierPort, worker),
    },
  };
}

const whole = { completed: TASKS };
const atMost = (most: number): object => expect.toSatisfy((some: number) => some <= most, `at most ${most}`) as object;
/** Milliseconds from the start on. */
const within = (ms: number, { up }: Row): object => atMost(Math.max(ms * SLACK, up * STARTS, AWAY_MS));
/** No more of those that were queued behind them than run beside them. */
const inTheirPlaces = { othersFirst: atMost(IN_FLIGHT) };

it("a carrier that is killed costs nothing: no task, and no attempt", { timeout: LONG_MS * 2 }, async () => {
  const { scene, parts, again } = await separate();
  const row = await scene.play("carrier", parts.carrier, again.carrier);
  expect(row).toMatchObject({ ...whole, moreAttempts: 0, firstOther: within(1_000, row) });
});

it("an engine that is killed costs nothing, and nothing runs twice", { timeout: LONG_MS * 2 }, async () => {
  const { scene, parts, again } = await separate();
  const row = await scene.play("engine", parts.engine, again.engine);
  expect(row).toMatchObject({ ...whole, moreAttempts: 0, begunTwice: 0, firstOther: within(1_000, row) });
});

it("a dispatcher with a name of its own has its tasks again within 2 s", { timeout: LONG_MS * 2 }, async () => {
  const { scene, parts, again } = await separate({ workerId: "the-same" });
  const row = await scene.play("dispatcher, stable id", parts.dispatcher, again.dispatcher);
  expect(row).toMatchObject({ ...whole, ...inTheirPlaces, heldAgain: within(2_000, row) });
});

it("the tasks of one without come again within its short leases, of 30 s", { timeout: LONG_MS * 2 }, async () => {
  const { scene, parts, again } = await separate();
  const row = await scene.play("dispatcher", parts.dispatcher, again.dispatcher);
  // The lease of a task that was leased just before the kill ends 30 s after it.
  expect(row).toMatchObject({
    ...whole,
    firstOther: within(1_000, row),
    heldSinceKill: atMost(SHORT_LEASE_MS + 1_000 * SLACK + AWAY_MS + row.up),
  });
});

it("dev has what it held again within 1 s of its next start", { timeout: LONG_MS * 2 }, async () => {
  const scene = new Scene();
  const row = await scene.play("dev", await scene.dev(), () => scene.dev());
  expect(row).toMatchObject({ ...whole, ...inTheirPlaces, heldAgain: within(1_000, row) });
});
