import { join } from "node:path";
import { Client } from "@durable-workflow/test-support/engine-client";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLocalEngine } from "../src/index.js";
import { arrived, cleanUp, openEngine, temporaryFolder } from "./support/engine.js";

describe("an activity", () => {
  it("is started, handed out, and completed with its result", async () => {
    const { client } = await openEngine();
    await client.register("w", "q", ["mail.send"]);
    await client.started("mail.send", "q", { activity_id: "m-1", input: ["ada@example.com", 2] });
    const held = await client.take("w", "q");
    expect(held?.task).toMatchObject({ workflow_id: "m-1", attempt_number: 1, arguments: { codec: "avro" } });
    expect((await client.report("complete", held!, { result: { sent: true } })).body).toMatchObject({
      outcome: "completed",
      recorded: true,
    });
    expect(await client.describe("m-1")).toMatchObject({
      status: "completed",
      closed_reason: "completed",
      result: { codec: "avro" },
      failure: null,
      attempts: [{ attempt_number: 1, status: "completed", lease_owner: "w" }],
    });
  });

  it("tells of its failure and of every attempt", async () => {
    const { client } = await openEngine();
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a", retry_policy: { max_attempts: 2 } });
    for (const message of ["first", "second"]) {
      const held = await client.take("w", "q");
      await client.report("fail", held!, {
        failure: { message, type: "Oops", stack_trace: "at x", details: { n: 1 } },
      });
    }
    expect(await client.describe("a")).toMatchObject({
      status: "failed",
      failure: { message: "second", type: "Oops", stack_trace: "at x", details: { n: 1 }, non_retryable: false },
      attempts: [{ failure: { message: "first" } }, { failure: { message: "second" } }],
    });
  });

  it("tells of its last hundred attempts, however many there were", async () => {
    const { client } = await openEngine();
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a", retry_policy: { max_attempts: 1000 } });
    for (let n = 1; n <= 103; n++) {
      const held = await client.take("w", "q");
      await client.report("fail", held!, { failure: { message: `failure ${n}` } });
    }
    const { attempt_count: count, attempts } = await client.describe("a");
    expect(count).toBe(103);
    expect(attempts).toHaveLength(100);
    expect(attempts[0]).toMatchObject({ attempt_number: 4, failure: { message: "failure 4" } });
    expect(attempts[99]).toMatchObject({ attempt_number: 103, failure: { message: "failure 103" } });
  });

  it("has a history whose pages are its parts, whatever their size", async () => {
    const { client, clock } = await openEngine({ leaseSeconds: 10, longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    const { workflow_run_id: run } = await client.started("t", "q", {
      activity_id: "a",
      retry_policy: { max_attempts: 9 },
      schedule_to_start_timeout_seconds: 5,
    });
    // A wait that times out is an attempt of which no row is kept.
    await clock.advance(6000);
    for (const end of ["fail", "fail", "expire", "complete"] as const) {
      const held = await client.take("w", "q");
      await client.report("heartbeat", held!, { message: end });
      if (end === "expire") await clock.advance(11_000);
      else await client.report(end, held!, { failure: { message: "no", details: { end } }, result: 1 });
    }
    const whole = await client.history("a");
    expect(whole.map(({ sequence }) => sequence)).toEqual(whole.map((_, index) => index + 1));
    expect(whole.at(-1).event_type).toBe("WorkflowCompleted");
    for (let size = 1; size <= whole.length; size++) {
      const pages = [];
      let token: string | null = "";
      while (token !== null) {
        const path = `/api/workflows/a/runs/${run}/history?page_size=${size}&next_page_token=${token}`;
        const { body } = await client.call("GET", path);
        expect(body.events.length).toBeLessThanOrEqual(size);
        pages.push(...body.events);
        token = body.next_page_token;
      }
      expect(pages).toEqual(whole);
    }
  });

  it("has one run at a time under an id, and another after it", async () => {
    const { client } = await openEngine();
    const first = await client.started("t", "q", { activity_id: "a" });
    expect((await client.start("t", "q", { activity_id: "a" })).status).toBe(422);
    await client.call("POST", "/api/workflows/a/terminate", { reason: "enough" });
    const second = await client.started("t", "q", { activity_id: "a" });
    expect(second.workflow_run_id).not.toBe(first.workflow_run_id);
    expect((await client.describe("a")).workflow_run_id).toBe(second.workflow_run_id);
    expect((await client.history("a")).map(({ event_type: type }) => type)).toEqual([
      "StartAccepted",
      "WorkflowStarted",
      "ActivityScheduled",
    ]);
    const { body } = await client.call("GET", `/api/workflows/a/runs/${first.workflow_run_id}/history`);
    expect(body.events.at(-1)).toMatchObject({ event_type: "WorkflowTerminated", sequence: 6 });
  });

  it("is started once when many ask at the same time", async () => {
    const { client } = await openEngine();
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.start("t", "q", { activity_id: "a" })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 422)).toHaveLength(19);
  });

  it("takes ids and names as they are", async () => {
    const { client } = await openEngine();
    const odd = `'; DROP TABLE runs; -- %00 "é" \n`;
    await client.register(odd, odd, [odd]);
    await client.started(odd, odd, { activity_id: "constructor", business_key: odd, activity_class: odd });
    const held = await client.take(odd, odd);
    expect(held?.task).toMatchObject({ activity_type: odd, task_queue: odd, lease_owner: odd });
    await client.report("complete", held!);
    expect(await client.describe("constructor")).toMatchObject({ business_key: odd, status: "completed" });
    expect((await client.call("GET", "/api/activities/__proto__")).status).toBe(404);
    expect((await client.call("GET", "/api/activities/..%2F..%2Fetc")).status).toBe(404);
  });

  it("gives every name back as it was, or refuses it", async () => {
    const { client } = await openEngine({ longPollSeconds: 0 });
    const names = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.string({ unit: "grapheme", maxLength: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(names, async (name) => {
        const { status, body } = await client.start(name, name, { business_key: name, activity_class: name });
        // It is the name of the task queue, too, which stands in paths.
        const isPlain = name !== "" && !/[\0\p{Surrogate}]|^\.{1,2}$/u.test(name);
        expect(status).toBe(isPlain ? 201 : 422);
        if (!isPlain) return;
        await client.register(name, name, [name]);
        expect((await client.take(name, name))?.task).toMatchObject({
          activity_type: name,
          task_queue: name,
          lease_owner: name,
        });
        expect(await client.describe(body.activity_id)).toMatchObject({ business_key: name, activity_class: name });
      }),
      { numRuns: 150 },
    );
  });

  it("is not found by what only begins with its id", async () => {
    const { client } = await openEngine();
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a" });
    const held = await client.take("w", "q");
    expect((await client.call("GET", "/api/activities/a%00b")).status).toBe(404);
    expect((await client.call("POST", "/api/workflows/a%00/cancel", {})).status).toBe(404);
    const longer = { ...held!, attemptId: `${held?.attemptId}\0x` };
    expect((await client.report("complete", longer)).status).toBe(422);
    const cut = await client.report("complete", held!, { result: { codec: "avro", blob: "wwHi\0" } });
    expect(cut.body.errors).toHaveProperty(["result.blob"]);
    expect((await client.report("complete", held!)).status).toBe(200);
  });

  it("refuses arguments that no worker could decode", async () => {
    const { client } = await openEngine();
    const answer = await client.start("t", "q", { input: { codec: "avro", blob: "AB5bIkFkYSJdAg==" } });
    expect(answer.status).toBe(422);
    expect(answer.body.errors["input.blob"][0]).toContain("invalid_payload_framing");
    const cut = await client.start("t", "q", { input: { codec: "avro", blob: "wwHi\0" } });
    expect([cut.status, Object.keys(cut.body.errors)]).toEqual([422, ["input.blob"]]);
    expect((await client.start("t", "q", { input: "text" })).body.errors).toHaveProperty("input");
  });

  it("is waited for", async () => {
    const { client, clock } = await openEngine();
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a" });
    const held = await client.take("w", "q");
    const waiting = client.describe("a", "?wait=10");
    const impatient = client.describe("a", "?wait=2");
    await arrived();
    await clock.advance(2000);
    expect(await impatient).toMatchObject({ status: "running" });
    await client.report("complete", held!, { result: 7 });
    expect(await waiting).toMatchObject({ status: "completed" });
    expect(await client.describe("a", "?wait=10")).toMatchObject({ status: "completed" });
    expect((await client.call("GET", "/api/activities/a?wait=x")).status).toBe(422);
    expect((await client.call("GET", "/api/activities/a?wait=301")).status).toBe(422);
  });

  it("is waited for by its start", async () => {
    const { client, clock } = await openEngine();
    await client.register("w", "q", ["t"]);
    const start = (id: string, wait: string) =>
      client.call("POST", `/api/activities?wait=${wait}`, { activity_type: "t", task_queue: "q", activity_id: id });
    const starting = start("a", "10");
    const held = await client.take("w", "q");
    await client.report("complete", held!, { result: 7 });
    const { status, body } = await starting;
    expect([status, body]).toMatchObject([201, { status: "completed", command_status: "accepted" }]);
    const described = await client.describe("a");
    expect(body).toMatchObject(described);

    const impatient = start("b", "2");
    const failing = await client.take("w", "q");
    await arrived();
    await clock.advance(2000);
    expect(await impatient).toMatchObject({ status: 201, body: { activity_id: "b", status: "running" } });
    const again = start("c", "10");
    await client.report("fail", failing!, { failure: { message: "no", type: "No" } });
    const last = await client.take("w", "q");
    await client.report("fail", last!, { failure: { message: "no", type: "No" } });
    expect((await again).body).toMatchObject({ activity_id: "c", status: "failed", failure: { type: "No" } });
    expect((await start("d", "301")).status).toBe(422);
    expect((await client.call("GET", "/api/activities/d")).status).toBe(404);
  });

  it("is listed in pages, newest first, by what became of it", async () => {
    const { client } = await openEngine();
    for (let n = 1; n <= 5; n++) await client.started("t", "q", { activity_id: `a${n}` });
    await client.call("POST", "/api/workflows/a2/cancel", {});
    const first = (await client.call("GET", "/api/activities?page_size=3")).body;
    expect(first.activities.map(({ activity_id: id }: { activity_id: string }) => id)).toEqual(["a5", "a4", "a3"]);
    const { body: rest } = await client.call(
      "GET",
      `/api/activities?page_size=3&next_page_token=${first.next_page_token}`,
    );
    expect(rest.activities.map(({ activity_id: id }: { activity_id: string }) => id)).toEqual(["a2", "a1"]);
    expect(rest.next_page_token).toBeNull();
    const { body: failed } = await client.call("GET", "/api/activities?status=failed");
    expect(failed.activities).toMatchObject([{ activity_id: "a2", status: "cancelled", status_bucket: "failed" }]);
    expect((await client.call("GET", "/api/activities?page_size=0")).status).toBe(422);
    expect((await client.call("GET", "/api/activities?next_page_token=bm8=")).status).toBe(422);
    // No text at all behind it, which is not the same as no token.
    expect((await client.call("GET", "/api/activities?next_page_token=!!!")).status).toBe(422);
    // By its cursor no page moves when activities start meanwhile; by its token, which counts, it does.
    expect(Buffer.from(first.next_page_token, "base64").toString()).toBe("3");
    await client.started("t", "q", { activity_id: "a6" });
    const listed = async (token: string) => {
      const { body } = await client.call(
        "GET",
        `/api/activities?page_size=1&next_page_token=${encodeURIComponent(token)}`,
      );
      return [body.activities[0].activity_id, body.next_page_token, body.next_page_cursor];
    };
    const [second, next, cursor] = await listed(first.next_page_cursor);
    expect([second, next]).toEqual(["a2", cursor]);
    expect(await listed(next)).toEqual(["a1", null, undefined]);
    expect((await listed(first.next_page_token))[0]).toBe("a3");
  });

  it("is seen in its own namespace only", async () => {
    const { client, url } = await openEngine({ namespaces: ["other"] });
    const other = new Client(url, { namespace: "other" });
    await client.started("t", "q", { activity_id: "a" });
    expect((await other.call("GET", "/api/activities/a")).status).toBe(404);
    expect((await other.call("POST", "/api/workflows/a/cancel", {})).status).toBe(404);
    expect((await other.call("GET", "/api/activities")).body.activity_count).toBe(0);
    await other.register("w", "q", ["t"]);
    expect(await other.take("w", "q", { timeout_seconds: 0 })).toBeUndefined();
    expect((await other.call("GET", "/api/namespaces")).body.namespaces).toMatchObject([
      { name: "default" },
      { name: "other", status: "active" },
    ]);
    expect((await other.call("GET", "/api/namespaces/none")).body.reason).toBe("namespace_not_found");
  });
});

describe("stopping", () => {
  it("ends what is over already with a refusal", async () => {
    const { client } = await openEngine();
    await client.started("t", "q", { activity_id: "a" });
    expect((await client.call("POST", "/api/workflows/a/cancel", {})).body).toMatchObject({ outcome: "cancelled" });
    const again = await client.call("POST", "/api/workflows/a/cancel", {});
    expect(again).toMatchObject({
      status: 409,
      body: { rejection_reason: "run_not_active", command_status: "rejected" },
    });
    expect((await client.call("POST", "/api/workflows/none/cancel", {})).status).toBe(404);
  });

  it("can name the run", async () => {
    const { client } = await openEngine();
    const { workflow_run_id: run } = await client.started("t", "q", { activity_id: "a" });
    expect((await client.call("POST", "/api/workflows/a/runs/none/terminate", {})).status).toBe(404);
    const { body } = await client.call("POST", `/api/workflows/a/runs/${run}/terminate`, {});
    expect(body).toMatchObject({ outcome: "terminated", requested_run_id: run, target_scope: "run" });
  });

  it("is never handed out afterwards", async () => {
    const { client } = await openEngine();
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "a" });
    await client.call("POST", "/api/workflows/a/cancel", {});
    expect(await client.take("w", "q", { timeout_seconds: 0 })).toBeUndefined();
  });
});

describe("draining a queue", () => {
  it("refuses what is new, and hands out what is there, until it is resumed", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const { client, engine } = await openEngine({ file });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q");
    const drained = await client.call("POST", "/api/task-queues/q/drain");
    expect(drained.body).toMatchObject({ name: "q", draining: true });
    expect(await client.start("t", "q")).toMatchObject({
      status: 409,
      body: { reason: "task_queue_draining", command_status: "rejected" },
    });
    await client.started("t", "another");
    expect(await client.take("w", "q")).toBeDefined();
    await engine.close();

    const again = createLocalEngine({ file });
    cleanUp(() => again.close());
    const back = new Client((await again.listen()).url);
    expect((await back.start("t", "q")).status).toBe(409);
    await back.call("POST", "/api/task-queues/q/resume");
    await back.started("t", "q");
  });
});

describe("retention", () => {
  it("removes closed runs with all that belongs to them, some time after they closed", async () => {
    const { client, clock } = await openEngine({ retentionSeconds: 100 });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "old", input: [1] });
    await client.report("complete", (await client.take("w", "q"))!);
    await client.started("t", "q", { activity_id: "open" });
    await clock.advance(99_000);
    expect(await client.describe("old")).toMatchObject({ status: "completed" });
    await clock.advance(70_000);
    expect(await client.describe("old")).toMatchObject({ reason: "activity_not_found" });
    expect(await client.describe("open")).toMatchObject({ status: "running" });
  });

  it("is reported with a worker's heartbeat", async () => {
    const { client, clock } = await openEngine({ retentionSeconds: 10 });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "old" });
    await client.call("POST", "/api/workflows/old/cancel", {});
    clock.jump(11_000);
    const { body } = await client.call("POST", "/api/worker/heartbeat", { worker_id: "w" });
    expect(body.retention).toMatchObject({ processed: 1, pruned: 1 });
  });
});

describe("closing the engine", () => {
  it("answers those who wait for a result with what is known", async () => {
    const { client, engine } = await openEngine();
    await client.started("t", "q", { activity_id: "a" });
    const waiting = client.describe("a", "?wait=200");
    await arrived();
    await engine.close();
    expect(await waiting).toMatchObject({ status: "running" });
    await expect(engine.listen()).rejects.toMatchObject({ code: "closed" });
    await engine.close();
  });
});
