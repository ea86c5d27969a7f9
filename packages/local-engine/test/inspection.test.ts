import { join } from "node:path";
import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { Client, type Json } from "@durable-workflow/test-support/engine-client";
import Database from "libsql";
import { describe, expect, it } from "vitest";
import { createLocalEngine } from "../src/index.js";
import { cleanUp, openEngine, temporaryFolder } from "./support/engine.js";

/** What the engine tells those who look at it. */

const failure = { message: "lamp 7 is broken", type: "LampError", stack_trace: "LampError: lamp 7\n  at x" };

async function inspected(client: Client, query = ""): Promise<Json> {
  const { status, body } = await client.call("GET", `/api/inspection/activities${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

async function inspectedOne(client: Client, id: string, query = ""): Promise<Json> {
  const path = `/api/inspection/activity?id=${encodeURIComponent(id)}${query}`;
  const { status, body } = await client.call("GET", path);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

describe("the list", () => {
  it("tells where each stands, in one word", async () => {
    const { client, clock } = await openEngine({ leaseSeconds: 60 });
    await client.register("w1", "lamps", ["glow"]);
    for (const id of ["done", "broken", "again", "held", "stopped", "waits"]) {
      const policy = { retry_policy: { max_attempts: id === "again" ? 2 : 1, backoff_seconds: [30] } };
      await client.started("glow", id === "waits" ? "other" : "lamps", { activity_id: id, ...policy });
    }
    const done = await client.take("w1", "lamps");
    const broken = await client.take("w1", "lamps");
    const again = await client.take("w1", "lamps");
    await client.take("w1", "lamps");
    if (done === undefined || broken === undefined || again === undefined) throw new Error("there are no tasks");
    await client.report("complete", done, { result: { codec: "avro", blob: encodeAvroValue("ok") } });
    await client.report("fail", broken, { failure });
    await client.report("fail", again, { failure });
    await client.call("POST", "/api/workflows/stopped/cancel", {});
    const { activities } = await inspected(client);
    const standing = Object.fromEntries(activities.map((one: Json) => [one.activity_id, one.standing]));
    expect(standing).toEqual({
      done: "succeeded",
      broken: "failed",
      again: "retrying",
      held: "running",
      stopped: "cancelled",
      waits: "queued",
    });
    const line = activities.find((one: Json) => one.activity_id === "again");
    expect(line.failure).toEqual({ type: "LampError", message: "lamp 7 is broken" });
    expect(Date.parse(line.available_at) - clock.now()).toBeGreaterThan(29_000);
    expect(
      (await inspected(client, "?standing=failed,retrying")).activities.map((one: Json) => one.activity_id),
    ).toEqual(["again", "broken"]);
    expect((await inspected(client, "?task_queue=other")).activities).toHaveLength(1);
    expect((await inspected(client, "?id_part=o&activity_type=glow")).activities).toHaveLength(3);
    expect((await inspected(client, "?until=2001-01-01T00:00:00Z")).activities).toEqual([]);
    expect((await client.call("GET", "/api/inspection/activities?standing=odd")).status).toBe(422);
    expect((await client.call("GET", "/api/inspection/activities?since=yesterday")).status).toBe(422);
  });

  it("tells of runs that are named, in this namespace alone", async () => {
    const { client, url } = await openEngine({ namespaces: ["other"] });
    const { workflow_run_id: run } = await client.started("glow", "lamps", { activity_id: "a:1" });
    const name = encodeURIComponent(encodeURIComponent(`a:1/${run}`));
    expect((await inspected(client, `?runs=${name}`)).activities).toHaveLength(1);
    expect((await inspected(client, "?runs=a%2Fnothing")).activities).toEqual([]);
    expect((await inspected(new Client(url, { namespace: "other" }), `?runs=${name}`)).activities).toEqual([]);
    expect((await inspected(new Client(url, { namespace: "other" }))).activities).toEqual([]);
  });

  it("pages through 100,000 activities: each once, in order, with a bounded look for each page", async () => {
    const file = join(temporaryFolder(), "many.db");
    await fill(file, 100_000);
    const engine = createLocalEngine({ file });
    cleanUp(() => engine.close());
    const client = new Client((await engine.listen()).url);
    const seen = new Set<string>();
    let before = "";
    let last = Number.POSITIVE_INFINITY;
    for (let pages = 0; pages < 501; pages++) {
      const { activities, next_before: next } = await inspected(client, `?page_size=200${before}`);
      for (const { activity_id: id, key } of activities) {
        expect(key).toBeLessThan(last);
        last = key;
        seen.add(id);
      }
      if (next === null) break;
      before = `&before=${next}`;
      // What is started meanwhile is newer than all pages.
      if (pages % 100 === 0) await client.started("late", "lamps");
    }
    expect(seen.size).toBe(100_000);
    // A filter that few match looks through so many for each page, and goes on.
    const rare = [];
    let looks = 0;
    let at = "";
    do {
      const { activities, next_before: next, scanned } = await inspected(client, `?id_part=n-77777&page_size=10${at}`);
      expect(scanned).toBeLessThanOrEqual(20_000);
      rare.push(...activities);
      looks += 1;
      at = next === null ? "" : `&before=${next}`;
    } while (at !== "");
    expect(rare.map((one: Json) => one.activity_id)).toEqual(["n-77777"]);
    expect(looks).toBe(6);
    const { body } = await client.call("GET", "/api/inspection");
    const total = body.groups.reduce((sum: number, { count }: Json) => sum + count, 0);
    expect(body.is_whole).toBe(false);
    expect(total).toBeGreaterThanOrEqual(100_000);
  });
});

describe("one activity", () => {
  it("tells when each attempt could be leased, was, beat, and ended, and how long it was held back", async () => {
    const { client, clock } = await openEngine({ leaseSeconds: 60 });
    await client.register("w1", "lamps", ["glow"]);
    const input = { codec: "avro", blob: encodeAvroValue([7]) };
    await client.started("glow", "lamps", {
      activity_id: "x",
      input,
      retry_policy: { max_attempts: 2, backoff_seconds: [10] },
      heartbeat_timeout_seconds: 30,
    });
    await clock.advance(5_000);
    const first = await client.take("w1", "lamps");
    if (first === undefined) throw new Error("there is no task");
    await clock.advance(1_000);
    await client.report("heartbeat", first, { current: 1, total: 4, unit: "lamps", message: "first" });
    await clock.advance(1_000);
    await client.report("fail", first, { failure });
    await clock.advance(12_000);
    const second = await client.take("w1", "lamps");
    if (second === undefined) throw new Error("there is no task");
    const told = await inspectedOne(client, "x");
    const start = Date.parse(told.activity.started_at);
    const [one, two] = told.attempts;
    const after = (at: string): number => Math.round((Date.parse(at) - start) / 1000);
    expect([one.available_at, one.started_at, one.closed_at].map(after)).toEqual([0, 5, 7]);
    expect(one.heartbeats).toHaveLength(1);
    expect(one.heartbeats[0].progress).toEqual({ current: 1, total: 4, unit: "lamps", message: "first" });
    expect(one.failure).toMatchObject({ type: "LampError", stack_trace: failure.stack_trace });
    expect([two.available_at, two.started_at].map(after)).toEqual([17, 19]);
    expect(two).toMatchObject({ status: "running", lease_owner: "w1", closed_at: null });
    expect(told.activity.heartbeat_deadline_at).not.toBeNull();
    expect(told.input).toEqual({
      codec: "avro",
      size_bytes: input.blob.length,
      blob: input.blob,
      reference_id: null,
      sha256: null,
    });
    expect(told.result).toBeNull();
    expect(told.runs).toHaveLength(1);
    expect((await client.call("GET", "/api/inspection/activity?id=none")).status).toBe(404);
  });

  it("holds no long payload", async () => {
    const { client } = await openEngine();
    const blob = encodeAvroValue(["x".repeat(1_000_000)]);
    await client.started("glow", "lamps", { activity_id: "big", input: { codec: "avro", blob } });
    const told = await inspectedOne(client, "big");
    expect(told.input).toMatchObject({ size_bytes: blob.length, blob: null });
    expect(JSON.stringify(told).length).toBeLessThan(5_000);
    expect(JSON.stringify(await inspected(client)).length).toBeLessThan(2_000);
  });
});

describe("the engine", () => {
  it("tells of queues, leases and the last hour", async () => {
    const { client, clock } = await openEngine({ leaseSeconds: 60 });
    await client.register("w1", "lamps", ["glow"]);
    for (const id of ["a", "b", "c"]) await client.started("glow", "lamps", { activity_id: id });
    await clock.advance(3_000);
    const held = await client.take("w1", "lamps");
    await client.take("w1", "lamps");
    if (held === undefined) throw new Error("there is no task");
    await clock.advance(2_000);
    await client.report("fail", held, { failure });
    await client.call("POST", "/api/task-queues/lamps/drain");
    const { body } = await client.call("GET", "/api/inspection");
    expect(body.groups).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ task_queue: "lamps", activity_type: "glow", standing: "queued", count: 1 }),
        expect.objectContaining({ standing: "running", count: 1, oldest_available_at: null }),
        expect.objectContaining({ standing: "failed", count: 1 }),
      ]),
    );
    expect(body.is_whole).toBe(true);
    expect(body.leases).toEqual([{ worker_id: "w1", count: 1 }]);
    expect(body.drained_queues).toMatchObject([{ task_queue: "lamps" }]);
    const { series } = body;
    const sum = (list: readonly number[]): number => list.reduce((one, other) => one + other, 0);
    expect([series.started, series.failed, series.succeeded, series.retried].map(sum)).toEqual([3, 1, 0, 0]);
    expect(series.started).toHaveLength(360);
    // Classes double: what took three seconds took at most 4.096.
    expect(series.wait_seconds_p50.filter(Boolean)).toEqual([4.096]);
    expect(series.run_seconds_p95.filter(Boolean)).toEqual([2.048]);
    await clock.advance(3_700_000);
    const later = (await client.call("GET", "/api/inspection")).body.series;
    expect(sum(later.started)).toBe(0);
  });

  it("tells it to operators alone", async () => {
    const { url } = await openEngine({ auth: { workerToken: "of-workers", operatorToken: "of-operators" } });
    for (const path of ["/api/inspection", "/api/inspection/activities", "/api/inspection/activity?id=x"]) {
      expect((await new Client(url).call("GET", path)).status, path).toBe(401);
      expect((await new Client(url, { operatorToken: "of-workers" }).call("GET", path)).status, path).toBe(403);
      expect((await new Client(url, { operatorToken: "of-operators" }).call("GET", path)).status, path).not.toBe(403);
    }
  });
});

/** A file with so many closed activities. */
async function fill(file: string, count: number): Promise<void> {
  const engine = createLocalEngine({ file });
  const client = new Client((await engine.listen()).url);
  await client.started("glow", "lamps", { activity_id: "n-0" });
  await client.call("POST", "/api/workflows/n-0/cancel", {});
  await engine.close();
  const db = new Database(file);
  const columns = (db.prepare("PRAGMA table_info(runs)").all() as Json[]).map(({ name }) => name as string);
  const own: Readonly<Record<string, string>> = {
    id: "n + 1",
    activity_id: "'n-' || n",
    run_id: "'run-' || n",
    task_id: "'task-' || n",
  };
  db.exec(
    `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count - 1})
     INSERT INTO runs (${columns.join(", ")}) SELECT ${columns.map((name) => own[name] ?? name).join(", ")}
     FROM numbers, (SELECT * FROM runs LIMIT 1)`,
  );
  db.close();
}
