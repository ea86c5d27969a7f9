import { createLocalEngine } from "@durable-workflow/local-engine";
import { awakeClock } from "@durable-workflow/test-support/clock";
import { Client, type Json } from "@durable-workflow/test-support/engine-client";
import { until } from "@durable-workflow/test-support/patience";
import { expect, it, onTestFinished } from "vitest";
import { WORKER_TOKEN } from "./support/engine-under-test.js";
import { DONE, startForeignCarrier } from "./support/foreign-carrier.js";
import { type Running, startDispatcher } from "./support/running.js";

const TASKS = 800;
const AT_ONCE = 40;
const TYPES = ["one", "two", "three", "four"];
const DISPATCHERS = 8;
const TASK_MS = 10;

/** The runs that took longest from start to close, and what happened to the first: one that waited for its lease is seen by that. */
async function toldLongest(client: Client, runs: readonly Json[]): Promise<string> {
  const tookMs = ({ started_at: from, closed_at: to }: Json): number => Date.parse(to) - Date.parse(from);
  const [first, ...others] = runs.toSorted((one, other) => tookMs(other) - tookMs(one)).slice(0, 5);
  const told = [first, ...others].map((run) => `${run.activity_id} ${tookMs(run)} ms in ${run.attempt_count} attempts`);
  const { attempts } = await client.describe(first.activity_id);
  return `took longest: ${told.join(", ")}; the first: ${JSON.stringify(attempts)}`;
}

it("eight dispatchers and four carriers on one engine run each task once, all of them some, though two leave meanwhile", async () => {
  const engine = createLocalEngine({
    file: ":memory:",
    auth: { workerToken: WORKER_TOKEN, operatorToken: "o" },
    clock: awakeClock,
  });
  const { url } = await engine.listen();
  onTestFinished(() => engine.close());
  const client = new Client(url, { operatorToken: "o" });
  const ran = new Map<string, number>();
  const carriers = await Promise.all(
    TYPES.map(() =>
      startForeignCarrier(async ({ task }) => {
        const id = String(task.activity_execution_id ?? task.id);
        ran.set(id, (ran.get(id) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, TASK_MS));
        return DONE;
      }),
    ),
  );
  onTestFinished(async () => {
    await Promise.all(carriers.map((carrier) => carrier.close()));
  });
  const config = {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    defaults: { task_queue: "lamps" },
    carriers: Object.fromEntries(
      carriers.map((carrier, at) => [TYPES[at], { type: "invocable_http", url: carrier.url }]),
    ),
    mappings: TYPES.map((type) => ({
      name: type,
      kind: "activity",
      activity_type: type,
      carrier: type,
      handler: type,
    })),
  };
  const all: Running[] = [];
  for (let count = 0; count < DISPATCHERS; count++)
    all.push(await startDispatcher({ url }, { config, maxInFlight: 10 }));
  onTestFinished(async () => {
    await Promise.all(all.map(({ dispatcher }) => dispatcher.drain()));
  });

  const told = (): readonly number[] => all.map(({ eventsOf }) => eventsOf("task_ended").length);
  const leaving: Promise<unknown>[] = [];
  for (let from = 0; from < TASKS; from += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, place) =>
        client.started(TYPES[place % TYPES.length] ?? "", "lamps", { activity_id: `t-${from + place}` }),
      ),
    );
    if (from !== TASKS / 2) continue;
    await until(() => Math.min(...told().slice(0, 2)) > 0, "some for those that leave");
    leaving.push(...all.slice(0, 2).map(({ dispatcher }) => dispatcher.drain()));
  }
  const open = async (): Promise<number> =>
    (await client.call("GET", "/api/activities?status=running&page_size=1")).body.activity_count;
  while ((await open()) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  await Promise.all(leaving);

  const runs: Json[] = [];
  for (let token: string | null = ""; token !== null; ) {
    const path: string = `/api/activities?page_size=200&next_page_token=${encodeURIComponent(token)}`;
    const { body } = await client.call("GET", path);
    runs.push(...body.activities);
    token = body.next_page_token;
  }
  const longest = await toldLongest(client, runs);
  const odd = runs.filter(({ status, attempt_count: attempts }) => status !== "completed" || attempts !== 1);
  expect(odd, longest).toEqual([]);
  expect(runs.length, longest).toBe(TASKS);
  expect(
    [...ran.values()].filter((times) => times !== 1),
    longest,
  ).toEqual([]);
  expect(ran.size, longest).toBe(TASKS);
  // The engine knows of an end before the answer has come that tells the dispatcher so.
  await expect.poll(() => told().reduce((one, other) => one + other, 0)).toBe(TASKS);
  expect(Math.min(...told())).toBeGreaterThan(0);
});
