import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { PATHS } from "@durable-workflow/engine-protocol";
import { asServersTell } from "@durable-workflow/test-support/server-like";
import { expect, it } from "vitest";
import { type ActivityDetail, type ActivityList, type EngineTransport, type Overview, ROUTES } from "../src/index.js";
import { type Inspected, openInspected } from "./support/inspected.js";
import { StreamReader } from "./support/stream.js";

/** The same views of an engine that tells no more than the server's released API does. */

/** Takes away what a released server does not have. */
function asServer(own: EngineTransport): EngineTransport {
  return {
    events: async () => Promise.resolve(false),
    async request(call) {
      const path = call.path.split("?", 1)[0] ?? "";
      if (path.startsWith(PATHS.inspection) || path === PATHS.events || path.startsWith("/api/task-queues/")) {
        return { status: 404, body: '{"message":"The route could not be found."}', headers: {} };
      }
      const answer = await own.request(call);
      const document = JSON.parse(answer.body) as Record<string, unknown>;
      return { ...answer, body: JSON.stringify(asServersTell(path, document)) };
    },
  };
}

const failure = {
  message: "lamp 7 is broken",
  type: "LampError",
  details: { codec: "avro", blob: encodeAvroValue({ lamp: 7 }) },
};

async function openServer(): Promise<Inspected> {
  const inspected = await openInspected({ transport: asServer });
  const { client } = inspected;
  await client.register("w1", "lamps", ["glow"]);
  await client.started("glow", "lamps", {
    activity_id: "x",
    input: { codec: "avro", blob: encodeAvroValue([7]) },
    retry_policy: { max_attempts: 2, backoff_seconds: [0] },
  });
  const first = await client.take("w1", "lamps");
  if (first === undefined) throw new Error("there is no task");
  await client.report("heartbeat", first, { current: 1, total: 4 });
  await client.report("fail", first, { failure });
  return inspected;
}

it("says what it is, and of each thing that it cannot do why", async () => {
  const { body } = await (await openServer()).get(ROUTES.capabilities);
  expect(body.kind).toBe("server");
  const missing = Object.entries(body.features as Record<string, unknown>).flatMap(([name, has]) =>
    has === false ? [name] : [],
  );
  const noted = new Set(body.notes.map(({ feature }: { feature: string }) => feature));
  expect(missing.filter((name) => name !== "carriers" && !noted.has(name))).toEqual([]);
  expect(body.features.events).toBe("poll");
});

it("shows an activity by its description and history: attempts, times, failures, values", async () => {
  const { client, get } = await openServer();
  const second = await client.take("w1", "lamps");
  if (second === undefined) throw new Error("there is no task");
  await client.report("complete", second, { result: { codec: "avro", blob: encodeAvroValue("ok") } });
  const { body, status, text } = await get(`${ROUTES.activity}?id=x`);
  expect(status, text).toBe(200);
  const told = body as ActivityDetail;
  expect(told.row).toMatchObject({ status: "succeeded", attempt: 2, maxAttempts: 2, key: null });
  expect(told.input.json).toBe("[\n  7\n]");
  expect(told.result.json).toBe('"ok"');
  expect(told.attempts).toMatchObject([
    {
      number: 1,
      status: "failed",
      worker: "w1",
      backoffSeconds: 0,
      heartbeats: [{ progress: { current: 1, total: 4 } }],
      failure: { type: "LampError", message: failure.message, retryable: true, details: { json: '{\n  "lamp": 7\n}' } },
    },
    { number: 2, status: "succeeded", worker: "w1", failure: null },
  ]);
  expect(
    told.attempts.every(
      ({ availableAt, startedAt, closedAt }) => availableAt !== null && startedAt !== null && closedAt !== null,
    ),
  ).toBe(true);
  expect(told.options).toMatchObject({ maxAttempts: 2, backoffSeconds: [0] });
  expect(told.runs).toEqual([]);
  const details = await get(`${ROUTES.payload}?id=x&slot=result`);
  expect(details.body.text).toBe('"ok"');
});

it("lists and counts what can be known, and says that it is not all", async () => {
  const { client, get } = await openServer();
  for (let n = 0; n < 450; n++)
    await client.started(n % 50 === 0 ? "rare" : "glow", "lamps", { activity_id: `n-${n}` });
  const ids: string[] = [];
  let cursor = "";
  do {
    const page = (await get(`${ROUTES.activities}?limit=150${cursor}`)).body as ActivityList;
    ids.push(...page.rows.map(({ id }) => id));
    cursor = page.cursor === null ? "" : `&cursor=${encodeURIComponent(page.cursor)}`;
  } while (cursor !== "");
  expect(new Set(ids).size).toBe(451);
  expect(ids).toHaveLength(451);
  const rare = (await get(`${ROUTES.activities}?type=rare&limit=200`)).body as ActivityList;
  expect(rare.rows).toHaveLength(9);
  expect(rare.scanned).toBe(451);
  const { counts, series } = (await get(ROUTES.overview)).body as Overview;
  expect(counts.isExact).toBe(false);
  expect(counts.scope).toBe("The newest 400 activities are counted.");
  expect(series).toBeNull();
  expect((await get(ROUTES.queues)).body.queues).toMatchObject([
    { queue: "lamps", workers: [{ id: "w1", running: null }] },
  ]);
});

it("acts, but does not drain queues; another run than the newest is told as unsupported", async () => {
  const { get, act, send } = await openServer();
  expect((await act({ action: "cancel", id: "x" })).done).toBe(true);
  expect((await act({ action: "start_again", id: "x", newId: "y" })).done).toBe(true);
  const headers = { "content-type": "application/json", "x-dw-inspector": "1" };
  const drain = await send("POST", ROUTES.action, headers, '{"action":"drain_queue","queue":"lamps"}');
  expect([drain.status, drain.body.error.code]).toEqual([409, "unsupported"]);
  const run = await get(`${ROUTES.activity}?id=x&runId=01hzzzzzzzzzzzzzzzzzzzzzzz`);
  expect([run.status, run.body.error.code]).toEqual([409, "unsupported"]);
});

it("is asked from time to time, and tells what changed", async () => {
  const { client, url } = await openServer();
  const reader = new StreamReader(`${url}/${ROUTES.events}`);
  await reader.until(() => reader.of("hello").length === 1, "hello");
  await client.started("glow", "lamps", { activity_id: "later" });
  await reader.until(
    () => reader.of("rows").some(({ data }) => data.rows.some(({ id }) => id === "later")),
    "the new one",
  );
});
