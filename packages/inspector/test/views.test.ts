import { avroDouble, encodeAvroValue } from "@durable-workflow/carrier/payload";
import type { Held } from "@durable-workflow/test-support/engine-client";
import { describe, expect, it } from "vitest";
import { type ActivityDetail, type ActivityList, type Overview, ROUTES, STATUS_WORDS } from "../src/index.js";
import { type Inspected, openInspected } from "./support/inspected.js";

/** Every view, of a real engine with real activities. */

const id = (text: string): string => `id=${encodeURIComponent(text)}`;
const envelope = (value: unknown): { codec: string; blob: string } => ({ codec: "avro", blob: encodeAvroValue(value) });

async function taken({ client }: Inspected, worker = "w1", queue = "lamps"): Promise<Held> {
  const held = await client.take(worker, queue);
  if (held === undefined) throw new Error("there is no task");
  return held;
}

async function detail({ get }: Inspected, name: string): Promise<ActivityDetail> {
  const { status, body, text } = await get(`${ROUTES.activity}?${id(name)}`);
  expect(status, text).toBe(200);
  return body as ActivityDetail;
}

const failure = {
  message: "connect ECONNREFUSED 10.0.3.4:443",
  type: "ConnectError",
  stack_trace: "ConnectError: connect\n    at charge (src/pay.ts:41:9)\nCaused by: Error: x",
  details: envelope({ lamp: 7 }),
};

it("says what the engine is and can do", async () => {
  const { get } = await openInspected();
  const { body } = await get(ROUTES.capabilities);
  expect(body).toMatchObject({ apiVersion: 1, kind: "local", namespace: "default", isReadOnly: false, notes: [] });
  expect(body.features).toMatchObject({ counts: true, events: "push", drainQueue: true, carriers: false });
});

it("an overview counts by status, queue and type, and says what needs attention", async () => {
  const inspected = await openInspected({
    inspector: {
      carriers: () => [
        {
          name: "dev",
          url: "http://127.0.0.1:1",
          breaker: "open",
          failuresInRow: 4,
          lastError: null,
          lastErrorAt: null,
        },
      ],
    },
  });
  const { client, get } = inspected;
  await client.register("w1", "lamps", ["glow"]);
  for (const name of ["a", "b", "c"]) {
    await client.started("glow", "lamps", {
      activity_id: name,
      retry_policy: { max_attempts: 3, backoff_seconds: [60] },
    });
  }
  await client.started("ring", "bells", { activity_id: "lonely" });
  for (const held of [await taken(inspected), await taken(inspected)]) await client.report("fail", held, { failure });
  const done = await taken(inspected);
  await client.report("complete", done, { result: envelope("ok") });
  const overview = (await get(ROUTES.overview)).body as Overview;
  expect(overview.counts.byStatus).toMatchObject({ queued: 1, retrying: 2, succeeded: 1, failed: 0 });
  expect(Object.keys(overview.counts.byStatus)).toEqual([...STATUS_WORDS]);
  expect(overview.counts.isExact).toBe(true);
  expect(overview.counts.byType.map(({ type }) => type)).toEqual(["glow", "ring"]);
  expect(overview.carriers).toHaveLength(1);
  const lamps = overview.queues.find(({ queue }) => queue === "lamps");
  expect(lamps).toMatchObject({ queued: 0, delayed: 2, running: 0, verdict: { state: "idle" } });
  expect(lamps?.workers).toMatchObject([{ id: "w1", state: "asking", running: 0, types: ["glow"] }]);
  const bells = overview.queues.find(({ queue }) => queue === "bells");
  expect(bells?.verdict.state).toBe("no_worker");
  expect(overview.attention).toMatchObject([
    {
      kind: "same_failure",
      count: 2,
      filter: { type: "glow", status: ["retrying"] },
      failure: { type: "ConnectError" },
    },
  ]);
  expect(overview.series?.started.reduce((sum, n) => sum + n, 0)).toBe(4);
});

describe("the list", () => {
  it("has lines without payloads, filters, and pages that hold", async () => {
    const { client, get } = await openInspected();
    const blob = encodeAvroValue(["x".repeat(200_000)]);
    for (let n = 0; n < 25; n++) {
      await client.started(n % 2 === 0 ? "glow" : "ring", "lamps", {
        activity_id: `n-${n}`,
        input: { codec: "avro", blob },
      });
    }
    const ids: string[] = [];
    let cursor = "";
    do {
      const { body, text } = await get(`${ROUTES.activities}?limit=10${cursor}`);
      const page = body as ActivityList;
      expect(text.length / Math.max(1, page.rows.length)).toBeLessThan(1_000);
      ids.push(...page.rows.map((row) => row.id));
      await client.started("late", "lamps");
      cursor = page.cursor === null ? "" : `&cursor=${encodeURIComponent(page.cursor)}`;
    } while (cursor !== "");
    expect(ids).toEqual(Array.from({ length: 25 }, (_, n) => `n-${24 - n}`));
    const filtered = async (query: string): Promise<number> =>
      ((await get(`${ROUTES.activities}?${query}`)).body as ActivityList).rows.length;
    expect(await filtered("type=ring")).toBe(12);
    expect(await filtered("type=ring,late&status=queued")).toBe(15);
    expect(await filtered("id=n-2")).toBe(6);
    expect(await filtered("queue=other")).toBe(0);
    expect(await filtered("status=failed,cancelled")).toBe(0);
    expect(await filtered("since=2999-01-01T00:00:00Z")).toBe(0);
  });

  it.each([
    ["status=odd", "status"],
    ["limit=0", "limit"],
    ["limit=201", "limit"],
    ["since=yesterday", "since"],
    ["cursor=%27", "cursor"],
    ["colour=red", "colour"],
    ["type=a&type=b", "type"],
  ])("refuses %s, and names the parameter", async (query, field) => {
    const { get } = await openInspected();
    const { status, body } = await get(`${ROUTES.activities}?${query}`);
    expect([status, body.error.code, body.error.field]).toEqual([400, "bad_request", field]);
  });
});

describe("one activity", () => {
  it("has attempts with their times, heartbeats, failures and waits, and typed values", async () => {
    const inspected = await openInspected();
    const { client } = inspected;
    await client.register("w1", "lamps", ["glow"]);
    const input = [1_970_670_598_291_982_290n, avroDouble(7), new Uint8Array([1, 2, 255]), { a: null }];
    await client.started("glow", "lamps", {
      activity_id: "x",
      input: envelope(input),
      retry_policy: { max_attempts: 2, backoff_seconds: [0] },
    });
    const first = await taken(inspected);
    await client.report("heartbeat", first, { current: 1, total: 4, unit: "lamps" });
    await client.report("fail", first, { failure });
    const running = await taken(inspected);
    const half = await detail(inspected, "x");
    expect(half.row).toMatchObject({ status: "running", attempt: 2, maxAttempts: 2, worker: "w1" });
    expect(half.row.next?.what).toBe("lease_ends");
    expect(half.waiting).toMatchObject({ reason: "running", text: "Try 2 of 2 runs on w1." });
    expect(half.deadlines.map(({ kind }) => kind)).toEqual(["lease"]);
    await client.report("complete", running, { result: envelope(2n ** 62n) });
    const told = await detail(inspected, "x");
    expect(JSON.parse(told.input.json ?? "")).toEqual([
      { $type: "long", value: "1970670598291982290" },
      { $type: "double", value: "7.0" },
      { $type: "bytes", base64: "AQL/" },
      { a: null },
    ]);
    expect(told.result).toMatchObject({ state: "value", json: `{\n  "$type": "long",\n  "value": "${2n ** 62n}"\n}` });
    const [one, two] = told.attempts;
    expect(one).toMatchObject({ number: 1, status: "failed", worker: "w1", progress: { current: 1, total: 4 } });
    expect(one?.heartbeats).toHaveLength(1);
    expect(one?.failure).toMatchObject({
      type: "ConnectError",
      message: failure.message,
      stackTrace: failure.stack_trace,
      retryable: true,
      why: "Attempt 1 of 2: it may be tried again.",
      details: { state: "value", json: '{\n  "lamp": 7\n}' },
    });
    expect(one?.backoffSeconds).toBe(0);
    expect(two).toMatchObject({ number: 2, status: "succeeded", failure: null, backoffSeconds: null });
    expect(told.failure).toBeNull();
    expect(told.runs).toHaveLength(1);
    expect(told.waiting.reason).toBe("closed");
  });

  it("says why it does not go on: each reason, and what would help", async () => {
    const inspected = await openInspected();
    const { client } = inspected;
    const reason = async (name: string): Promise<string> => (await detail(inspected, name)).waiting.reason;
    await client.started("glow", "lamps", { activity_id: "first" });
    const alone = await detail(inspected, "first");
    expect(alone.waiting).toMatchObject({
      reason: "no_worker",
      text: "It waits in queue lamps: no worker asks for that queue.",
      remedy: "Start a worker, or a dispatcher, that takes glow from queue lamps.",
    });
    await client.register("w1", "lamps", ["glow"], { max_concurrent_activity_tasks: 1 });
    expect(await reason("first")).toBe("next_in_queue");
    const held = await taken(inspected);
    await client.started("glow", "lamps", { activity_id: "second" });
    expect((await detail(inspected, "second")).waiting).toMatchObject({
      reason: "workers_busy",
      text: "It waits in queue lamps: w1 is full.",
    });
    await client.started("ring", "lamps", { activity_id: "third" });
    expect((await detail(inspected, "third")).waiting.text).toContain("none of its 1 workers takes ring");
    await client.report("fail", held, { failure });
    expect(await reason("first")).toBe("closed");
    const policy = { retry_policy: { max_attempts: 2, backoff_seconds: [600] } };
    await client.call("POST", "/api/workflows/second/cancel", {});
    await client.started("glow", "lamps", { activity_id: "fourth", ...policy });
    await client.report("fail", await taken(inspected), { failure });
    const waits = await detail(inspected, "fourth");
    expect(waits.waiting.reason).toBe("backoff");
    expect(waits.waiting.text).toMatch(/^Backoff after try 1 of 2: the next try is in (?:10m00s|9m59s)\.$/);
    expect(waits.row.next?.what).toBe("retry");
    expect(waits.attempts[0]?.backoffSeconds).toBe(600);
  });

  it("fails for good with the reason why there is no other try", async () => {
    const inspected = await openInspected();
    const { client } = inspected;
    await client.register("w1", "lamps", ["glow"]);
    const why = async (name: string, policy: object, more: object = {}): Promise<string | undefined> => {
      await client.started("glow", "lamps", { activity_id: name, retry_policy: policy });
      await client.report("fail", await taken(inspected), { failure: { ...failure, ...more } });
      const told = await detail(inspected, name);
      expect(told.failure?.retryable, name).toBe(false);
      return told.failure?.why;
    };
    expect(await why("only", { max_attempts: 1 })).toBe("The only attempt is used up.");
    expect(await why("said", { max_attempts: 3 }, { non_retryable: true })).toBe(
      "The handler said that it must not be tried again.",
    );
    expect(await why("typed", { max_attempts: 3, non_retryable_error_types: ["ConnectError"] })).toBe(
      "ConnectError is one of the activity's non-retryable error types.",
    );
  });

  it("is not found where there is none, and earlier runs are", async () => {
    const inspected = await openInspected();
    const { client, get } = inspected;
    expect((await get(`${ROUTES.activity}?${id("none")}`)).status).toBe(404);
    expect((await get(ROUTES.activity)).status).toBe(400);
    const { workflow_run_id: first } = await client.started("glow", "lamps", {
      activity_id: "x",
      input: envelope([1]),
    });
    await client.call("POST", "/api/workflows/x/terminate", {});
    await client.started("glow", "lamps", { activity_id: "x", input: envelope([2]) });
    const { runs } = await detail(inspected, "x");
    expect(runs.map(({ status }) => status)).toEqual(["queued", "cancelled"]);
    const old = await get(`${ROUTES.activity}?${id("x")}&runId=${first}`);
    expect((old.body as ActivityDetail).row).toMatchObject({ status: "cancelled", closedReason: "terminated" });
    expect((old.body as ActivityDetail).input.json).toBe("[\n  1\n]");
  });

  it("shows its history and its documents, and cuts what is long", async () => {
    const inspected = await openInspected({
      inspector: { explain: (document) => `keys: ${Object.keys(document as object).length}` },
    });
    const { client, get } = inspected;
    await client.started("glow", "lamps", { activity_id: "x", input: envelope(["x".repeat(1_000_000)]) });
    const { body, text } = await get(`${ROUTES.history}?${id("x")}&limit=2`);
    expect(body.events.map(({ type }: { type: string }) => type)).toEqual(["StartAccepted", "WorkflowStarted"]);
    expect(body.cursor).not.toBeNull();
    expect(body.events[0].isCut).toBe(true);
    expect(text.length).toBeLessThan(40_000);
    const rest = await get(`${ROUTES.history}?${id("x")}&cursor=${encodeURIComponent(String(body.cursor))}`);
    expect(rest.body.events[0].type).toBe("ActivityScheduled");
    const wire = await get(`${ROUTES.wire}?${id("x")}`);
    expect(wire.body.documents).toHaveLength(3);
    expect(wire.body.documents[0].explained).toMatch(/^keys: \d+$/);
    expect(wire.text.length).toBeLessThan(300_000);
  });
});

it("tells of queues, workers and types", async () => {
  const { client, get } = await openInspected();
  await client.register("w1", "lamps", ["glow", "ring"]);
  await client.started("hum", "lamps");
  expect((await get(ROUTES.queues)).body.queues).toHaveLength(1);
  expect((await get(ROUTES.workers)).body.workers).toMatchObject([{ id: "w1", state: "asking" }]);
  expect(
    (await get(ROUTES.types)).body.types.map(({ type, workers }: { type: string; workers: number }) => [type, workers]),
  ).toEqual([
    ["glow", 1],
    ["ring", 1],
    ["hum", 0],
  ]);
});
