import { InvocableActivityHandler } from "@durable-workflow/carrier";
import { PATHS } from "@durable-workflow/engine-protocol";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { Client } from "@durable-workflow/test-support/engine-client";
import { expect, it, onTestFinished } from "vitest";
import { createDispatcher, type DispatcherEvent } from "../src/index.js";
import { oneCarrier } from "./support/running.js";

/** An engine that hands out more tasks than a poll has asked for. */

const TASKS = 8;
const SLOTS = 2;
const LEASE_SECONDS = 4;

/** @param work of each task. */
async function begin(work: () => Promise<void>) {
  const engine = createLocalEngine({ file: ":memory:", shortLeaseSeconds: LEASE_SECONDS });
  const { url } = await engine.listen();
  const client = new Client(url);
  for (let count = 0; count < TASKS; count++)
    await client.started("t", "lamps", { activity_id: `a${count}`, input: [`a${count}`] });
  let inFlight = 0;
  let most = 0;
  const begun: string[] = [];
  const t = async (id: string): Promise<void> => {
    begun.push(id);
    most = Math.max(most, ++inFlight);
    await work();
    inFlight--;
  };
  const dispatcher = createDispatcher({
    engine: {
      answer: (request) => {
        if (request.path !== PATHS.poll) return engine.answer(request);
        const body = { ...(JSON.parse(String(request.body)) as object), max_tasks: TASKS };
        return engine.answer({ ...request, body: JSON.stringify(body) });
      },
    },
    handlers: { web: new InvocableActivityHandler({ t }, { carrier: "here" }) },
    environment: {},
    profilesPath: "/nowhere/profiles.json",
    connection: { serverUrl: url },
    config: oneCarrier("http://127.0.0.1:9/", ["t"]),
    maxInFlight: SLOTS,
    drainMs: 500,
  });
  const events: DispatcherEvent[] = [];
  dispatcher.events.on((event) => events.push(event));
  onTestFinished(async () => {
    await dispatcher.drain();
    await engine.close();
  });
  await dispatcher.start();
  const leased = () => events.filter(({ type }) => type === "task_leased").length;
  const ends = () => events.flatMap((event) => (event.type === "task_ended" ? [event.end] : []));
  return { client, dispatcher, leased, ends, begun, mostInFlight: () => most };
}

it("has them run as slots become free, and their leases kept until then", async () => {
  // The last of them waits for longer than a lease lasts.
  const taskMs = (LEASE_SECONDS * 1000 * 1.2) / (TASKS / SLOTS - 1);
  const { client, leased, ends, mostInFlight } = await begin(() => new Promise((done) => setTimeout(done, taskMs)));
  await expect.poll(leased).toBe(TASKS);
  await expect.poll(ends).toEqual(Array(TASKS).fill("completed"));
  expect(mostInFlight()).toBe(SLOTS);
  for (let count = 0; count < TASKS; count++)
    expect(await client.describe(`a${count}`)).toMatchObject({ status: "completed", attempt_count: 1 });
});

it("hears of the cancellation of one that waits, which does not begin, and gives those up that wait as it drains", async () => {
  const { client, dispatcher, leased, ends, begun } = await begin(() => new Promise(() => undefined));
  await expect.poll(leased).toBe(TASKS);
  expect((await client.call("POST", `/api/workflows/a${TASKS - 1}/cancel`, {})).status).toBe(200);
  await expect.poll(ends).toEqual(["cancelled"]);
  expect(await dispatcher.drain()).toEqual({ abandoned: TASKS - 1 });
  expect(begun).toHaveLength(SLOTS);
});
