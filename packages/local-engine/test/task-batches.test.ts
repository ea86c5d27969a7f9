import { join } from "node:path";
import { TASK_BATCH } from "@durable-workflow/engine-protocol";
import { type Answer, Client, type Held, type Json } from "@durable-workflow/test-support/engine-client";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLocalEngine } from "../src/index.js";
import { arrived, cleanUp, openEngine, temporaryFolder } from "./support/engine.js";
import { FakeClock } from "./support/fake-clock.js";

async function startMany(client: Client, count: number, more: object = {}): Promise<void> {
  for (let n = 0; n < count; n++) await client.started("t", "q", { activity_id: `a${n}`, ...more });
}

const tasksOf = ({ body }: Answer): readonly Json[] => [body.task, ...body.more_tasks];
const namesOf = (answer: Answer): readonly string[] => tasksOf(answer).map(({ workflow_id: id }) => id);

function heldOf(task: Json): Held {
  return { taskId: task.task_id, attemptId: task.activity_attempt_id, owner: task.lease_owner, task };
}

function reportOf({ taskId, attemptId, owner }: Held, more: object = { result: null }): object {
  return { task_id: taskId, activity_attempt_id: attemptId, lease_owner: owner, ...more };
}

const send = (client: Client, reports: unknown): Promise<Answer> =>
  client.call("POST", "/api/worker/activity-tasks/reports", { reports });

it("says that it hands out and takes several at once", async () => {
  const { client } = await openEngine({ maxBodyBytes: 10_000 });
  const { body } = await client.call("GET", "/api/cluster/info");
  const { activity_task_batches: batches } = body.worker_protocol.server_capabilities;
  expect(batches).toEqual({
    supported: true,
    schema: "durable-workflow.local-engine.activity-task-batches.v1",
    max_tasks: 64,
    reports_endpoint: "/worker/activity-tasks/reports",
    max_reports: 64,
    max_reports_bytes: 10_000,
  });
});

describe("a poll that asks for several tasks", () => {
  it("gets as many as there are, each with a lease of its own", async () => {
    const { client } = await openEngine({ longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    await startMany(client, 5);
    const first = await client.poll("w", "q", { max_tasks: 3 });
    expect(namesOf(first)).toEqual(["a0", "a1", "a2"]);
    expect(first.body).toMatchObject({ poll_status: "leased", has_more: true });
    const rest = await client.poll("w", "q", { max_tasks: 3 });
    expect(namesOf(rest)).toEqual(["a3", "a4"]);
    expect(rest.body.has_more).toBe(false);
    const none = await client.poll("w", "q", { max_tasks: 3 });
    expect(none.body).toMatchObject({ task: null, poll_status: "empty" });
    expect(none.body).not.toHaveProperty("more_tasks");
    const all = [...tasksOf(first), ...tasksOf(rest)];
    expect(new Set(all.map(({ activity_attempt_id: id }) => id)).size).toBe(5);
    for (const task of all) {
      expect(task).toMatchObject({ lease_owner: "w", attempt_number: 1 });
      expect(Date.parse(task.lease_expires_at)).toBeGreaterThan(Date.parse(first.body.server_time));
      expect((await client.report("complete", heldOf(task))).body.recorded).toBe(true);
    }
  });

  it.each([
    ["as many as it asked for", 3, 3, {}],
    ["a large one", 1, 3, { input: ["x".repeat(30_000)] }],
  ])("that gets %s, the last there were, is told of no others", async (_, count, maxTasks, more) => {
    const { client } = await openEngine({ longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    await startMany(client, count, more);
    // Not for it.
    await client.started("u", "q");
    const answer = await client.poll("w", "q", { max_tasks: maxTasks });
    expect(tasksOf(answer)).toHaveLength(count);
    expect(answer.body.has_more).toBe(false);
  });

  it("has answers as one that does not, but for what it asked for", async () => {
    const { client } = await openEngine();
    await client.register("w", "q", ["t"]);
    await startMany(client, 2);
    const { body: one } = await client.poll("w", "q");
    const { body: several } = await client.poll("w", "q", { max_tasks: 2 });
    const { more_tasks: more, has_more: hasMore, ...rest } = several;
    expect([more, hasMore]).toEqual([[], false]);
    expect(Object.keys(rest)).toEqual(Object.keys(one));
    expect(Object.keys(rest.task)).toEqual(Object.keys(one.task));
  });

  it.each([0, -1, 1.5, TASK_BATCH.tasks + 1, "many", {}])("cannot ask for %j", async (count) => {
    const { client } = await openEngine();
    await client.register("w", "q", ["t"]);
    const { status, body } = await client.poll("w", "q", { max_tasks: count });
    expect(status).toBe(422);
    expect(Object.keys(body.errors)).toEqual(["max_tasks"]);
  });

  it("that waits is woken once for what is started together", async () => {
    const { client } = await openEngine();
    await client.register("w", "q", ["t"]);
    const polling = client.poll("w", "q", { max_tasks: 10 });
    await arrived();
    await Promise.all(Array.from({ length: 4 }, () => client.started("t", "q")));
    const first = await polling;
    let taken = tasksOf(first).length;
    while (taken < 4) taken += tasksOf(await client.poll("w", "q", { max_tasks: 10 })).length;
    expect(taken).toBe(4);
  });

  it.each([
    ["it has no room for", 2, {}],
    ["would be too long for its answer", 6, { input: ["x".repeat(20_000)] }],
  ])("leaves to another that waits what %s", async (_, maxTasks, more) => {
    const { client } = await openEngine();
    await client.register("w", "q", ["t"]);
    const polls = Array.from({ length: 6 }, () => client.poll("w", "q", { max_tasks: maxTasks }));
    await arrived();
    let taken = 0;
    for (const poll of polls)
      void poll.then((answer) => (taken += answer.body.task === null ? 0 : tasksOf(answer).length));
    await Promise.all(Array.from({ length: 6 }, () => client.started("t", "q", more)));
    await arrived();
    expect(taken).toBe(6);
  });

  it("ends its answer with a large argument", async () => {
    const { client } = await openEngine({ longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    await client.started("t", "q", { activity_id: "small" });
    await client.started("t", "q", { activity_id: "large", input: ["x".repeat(30_000)] });
    await client.started("t", "q", { activity_id: "next" });
    const first = await client.poll("w", "q", { max_tasks: 10 });
    expect(namesOf(first)).toEqual(["small", "large"]);
    expect(first.body.has_more).toBe(true);
    expect(tasksOf(first)[1].arguments.blob.length).toBeGreaterThan(30_000);
    expect(namesOf(await client.poll("w", "q", { max_tasks: 10 }))).toEqual(["next"]);
  });

  it("ends its answer once many small ones are long together", async () => {
    const { client } = await openEngine({ longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    await startMany(client, 20, { input: ["x".repeat(8_000)] });
    const counts: number[] = [];
    for (let left = 20; left > 0; left -= counts.at(-1) ?? left) {
      counts.push(tasksOf(await client.poll("w", "q", { max_tasks: 20 })).length);
    }
    expect(counts[0]).toBeGreaterThan(3);
    expect(counts[0]).toBeLessThan(15);
  });

  it("gets the same when it is repeated, but for what was reported meanwhile", async () => {
    const { client, clock } = await openEngine({ longPollSeconds: 0, leaseSeconds: 60 });
    await client.register("w", "q", ["t"]);
    await startMany(client, 4);
    const asked = { max_tasks: 3, poll_request_id: "p-1" };
    const first = await client.poll("w", "q", asked);
    const again = await client.poll("w", "q", asked);
    expect(tasksOf(again)).toEqual(tasksOf(first));
    await client.report("complete", heldOf(tasksOf(first)[1]));
    expect(namesOf(await client.poll("w", "q", asked))).toEqual(["a0", "a2"]);
    await clock.advance(61_000);
    const later = await client.poll("w", "q", asked);
    expect(namesOf(later).toSorted()).toEqual(["a0", "a2", "a3"]);
    expect(tasksOf(later).map(({ attempt_number: number }) => number)).toContain(2);
  });

  it("has its leases on disk before it is answered", async () => {
    const file = join(temporaryFolder(), "engine.db");
    const clock = new FakeClock();
    const { client, engine } = await openEngine({ file, clock, longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    await startMany(client, 3);
    const asked = { max_tasks: 3, poll_request_id: "p-1" };
    const first = await client.poll("w", "q", asked);
    await engine.close();
    const again = createLocalEngine({ file, clock, longPollSeconds: 0 });
    cleanUp(() => again.close());
    const { url } = await again.listen();
    const later = new Client(url);
    expect(tasksOf(await later.poll("w", "q", asked))).toEqual(tasksOf(first));
    const answered = await send(
      later,
      tasksOf(first).map((task) => reportOf(heldOf(task))),
    );
    expect(answered.body.reports.map(({ status }: Json) => status)).toEqual([200, 200, 200]);
  });

  it("is ended with its registration, and has nothing then", async () => {
    const { client } = await openEngine();
    await client.register("w", "q", ["t"]);
    const polling = client.poll("w", "q", { max_tasks: 8 });
    await arrived();
    await client.call("DELETE", "/api/worker/registrations/w");
    expect((await polling).body).toMatchObject({ task: null, poll_status: "stale_worker_registration" });
  });
});

describe("several reports in one request", () => {
  it("are each answered as alone", async () => {
    const { client } = await openEngine({ longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    await startMany(client, 4, { retry_policy: { max_attempts: 2, backoff_seconds: [0] } });
    const [one, two, three, four] = tasksOf(await client.poll("w", "q", { max_tasks: 4 })).map(heldOf) as [
      Held,
      Held,
      Held,
      Held,
    ];
    const { status, body } = await send(client, [
      reportOf(one),
      reportOf(two, { failure: { message: "no" } }),
      reportOf(one),
      reportOf(three, { failure: { message: 7 } }),
      reportOf({ ...four, owner: "somebody" }),
      reportOf({ ...four, attemptId: "NONE" }),
      reportOf(four, { result: { codec: "avro", external_storage: {} } }),
      reportOf(four, {}),
      { task_id: 7 },
      "nothing",
    ]);
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(["reports", "protocol_version", "server_capabilities"]);
    const replies = body.reports as readonly Json[];
    expect(replies.map((reply) => [reply.status, reply.body.reason])).toEqual([
      [200, null],
      [200, null],
      [409, "stale_attempt"],
      [422, "validation_failed"],
      [409, "lease_owner_mismatch"],
      [404, "attempt_not_found"],
      [422, "external_payload_unsupported"],
      [422, "validation_failed"],
      [422, "validation_failed"],
      [422, "validation_failed"],
    ]);
    expect(replies[1]?.body.next_task_id).toEqual(expect.any(String));
    expect((await client.describe("a0")).status).toBe("completed");
    expect((await client.describe("a1")).attempts).toMatchObject([{ status: "failed" }]);
    // Nothing of what was refused is on record.
    expect((await client.describe("a3")).attempts).toMatchObject([{ status: "running" }]);
  });

  it.each([
    ["none", undefined],
    ["no list", {}],
    ["an empty list", []],
    ["more than it takes", Array.from({ length: TASK_BATCH.reports + 1 }, () => ({}))],
  ])("are refused together where there are %s", async (_, reports) => {
    const { client } = await openEngine();
    const { status, body } = await send(client, reports);
    expect(status).toBe(422);
    expect(Object.keys(body.errors)).toEqual(["reports"]);
  });

  it("are for workers", async () => {
    const { client } = await openEngine({ auth: { workerToken: "w", operatorToken: "o" } }, { workerToken: "o" });
    expect((await send(client, [{}])).status).toBe(403);
  });

  it("are of their namespace", async () => {
    const { client, url } = await openEngine({ namespaces: ["attic"], longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    await startMany(client, 1);
    const held = await client.take("w", "q");
    const { body } = await send(new Client(url, { namespace: "attic" }), [reportOf(held!), reportOf(held!)]);
    expect(body.reports.map((reply: Json) => [reply.status, reply.body.reason])).toEqual([
      [404, "task_not_found"],
      [404, "task_not_found"],
    ]);
  });
});

/** What a worker may say of one of its tasks, and what of it must not be: by the index of the task. */
interface Said {
  readonly task: number;
  readonly how: "complete" | "fail" | "final" | "invalid" | "foreign" | "unknown";
}

const COUNT = 6;
const said: fc.Arbitrary<Said> = fc.record({
  task: fc.integer({ min: 0, max: COUNT - 1 }),
  how: fc.constantFrom("complete", "fail", "final", "invalid", "foreign", "unknown"),
});

function bodyOf(held: Held, how: Said["how"]): { readonly held: Held; readonly more: object } {
  switch (how) {
    case "complete":
      return { held, more: { result: null } };
    case "fail":
      return { held, more: { failure: { message: "no", type: "Lamp", non_retryable: false, details: null } } };
    case "final":
      return { held, more: { failure: { message: "never", non_retryable: true, details: null } } };
    case "invalid":
      return { held, more: { failure: { message: "" } } };
    case "foreign":
      return { held: { ...held, owner: "somebody" }, more: { result: null } };
    case "unknown":
      return { held: { ...held, attemptId: "NONE" }, more: { result: null } };
  }
}

/** An engine with tasks that are leased out, at a time that stands still. */
async function engineWithTasks(): Promise<{ client: Client; held: readonly Held[]; close: () => Promise<void> }> {
  const { client, engine } = await openEngine({ longPollSeconds: 0 });
  await client.register("w", "q", ["t"]);
  await startMany(client, COUNT, { retry_policy: { max_attempts: 2, backoff_seconds: [3600] } });
  const held = tasksOf(await client.poll("w", "q", { max_tasks: COUNT })).map(heldOf);
  return { client, held, close: () => engine.close() };
}

/** Without what no two engines have alike: ids, and parts of a second. */
function withoutIds(value: unknown, held: readonly Held[]): unknown {
  let text = JSON.stringify(value);
  for (const [index, { taskId, attemptId }] of held.entries()) {
    text = text.replaceAll(taskId, `task ${index}`).replaceAll(attemptId, `attempt ${index}`);
  }
  return JSON.parse(
    text.replaceAll(/\.\d{6}Z/g, "Z").replaceAll(/"[0-9A-Z]{26}"|"[0-9a-z]{26}"|"[0-9a-f-]{36}"/gi, '"an id"'),
  );
}

it("leave the record that they leave one by one, in whatever order and company", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(said, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
      async (batches) => {
        const together = await engineWithTasks();
        const alone = await engineWithTasks();
        try {
          for (const batch of batches) {
            const { body } = await send(
              together.client,
              batch.map(({ task, how }) => {
                const { held, more } = bodyOf(together.held[task]!, how);
                return reportOf(held, more);
              }),
            );
            const replies = (body.reports as readonly Json[]).map((reply) => [reply.status, reply.body]);
            const singles: unknown[] = [];
            for (const { task, how } of batch) {
              const { held, more } = bodyOf(alone.held[task]!, how);
              const { status, body: own } = await alone.client.report(
                "failure" in more ? "fail" : "complete",
                held,
                more,
              );
              const { protocol_version: _version, server_capabilities: _capabilities, ...rest } = own;
              singles.push([status, rest]);
            }
            expect(withoutIds(replies, together.held)).toEqual(withoutIds(singles, alone.held));
          }
          for (let n = 0; n < COUNT; n++) {
            const records = await Promise.all(
              [together, alone].map(async ({ client, held }) =>
                withoutIds([await client.describe(`a${n}`), await client.history(`a${n}`)], held),
              ),
            );
            expect(records[0]).toEqual(records[1]);
          }
        } finally {
          await together.close();
          await alone.close();
        }
      },
    ),
    { numRuns: 25 },
  );
}, 120_000);
