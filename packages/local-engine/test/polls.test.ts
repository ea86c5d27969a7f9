import { PROTOCOL_VERSION } from "@durable-workflow/engine-protocol";
import type { Client, Held } from "@durable-workflow/test-support/engine-client";
import { describe, expect, it } from "vitest";
import { arrived, openEngine } from "./support/engine.js";

async function workers(client: Client, queue: string, names: readonly string[], types = ["t"]): Promise<void> {
  for (const name of names) await client.register(name, queue, types);
}

describe("a poll", () => {
  it("is woken by a start", async () => {
    const { client } = await openEngine();
    await workers(client, "q", ["w"]);
    const polling = client.take("w", "q");
    await arrived();
    await client.started("t", "q", { activity_id: "a" });
    expect((await polling)?.task.workflow_id).toBe("a");
  });

  it("misses no start, however close the two are", async () => {
    const { client } = await openEngine();
    await workers(client, "q", ["w"]);
    for (let round = 0; round < 40; round++) {
      const polling = client.take("w", "q");
      await client.started("t", "q", { activity_id: `a${round}` });
      const held = await polling;
      expect(held?.task.workflow_id).toBe(`a${round}`);
      await client.report("complete", held!);
    }
  });

  it("that waits already is handed a retry when it is due", async () => {
    const { client, clock } = await openEngine();
    await workers(client, "q", ["w", "v"]);
    await client.started("t", "q", { retry_policy: { max_attempts: 2, backoff_seconds: [5] } });
    const held = await client.take("w", "q");
    const polling = client.take("v", "q");
    await arrived();
    await client.report("fail", held!, { failure: { message: "no" } });
    await clock.advance(5001);
    expect((await polling)?.task.attempt_number).toBe(2);
  });

  it("that waits already is handed a task whose lease has run out", async () => {
    const { client, clock } = await openEngine({ leaseSeconds: 10, longPollSeconds: 60 });
    await workers(client, "q", ["w", "v"]);
    await client.started("t", "q");
    await client.take("w", "q");
    const polling = client.take("v", "q");
    await arrived();
    await clock.advance(10_001);
    expect((await polling)?.task.attempt_number).toBe(2);
  });

  it("gets a task that nobody else gets", async () => {
    const { client, clock } = await openEngine({ longPollSeconds: 5 });
    const names = Array.from({ length: 10 }, (_, n) => `w${n}`);
    await workers(client, "q", names);
    const polling = names.map((name) => client.take(name, "q"));
    await arrived();
    for (let n = 0; n < 4; n++) await client.started("t", "q");
    await arrived();
    await clock.advance(5000);
    const taken = (await Promise.all(polling)).flatMap((held) => (held === undefined ? [] : [held.taskId]));
    expect(new Set(taken).size).toBe(4);
    expect(taken).toHaveLength(4);
  });

  it("waits as long as it asks, and no longer than the engine lets it", async () => {
    const { client, clock } = await openEngine({ longPollSeconds: 8 });
    await workers(client, "q", ["w"]);
    const answers: string[] = [];
    const short = client
      .poll("w", "q", { timeout_seconds: 2 })
      .then(({ body }) => answers.push(`2 ${body.poll_status}`));
    const long = client
      .poll("w", "q", { timeout_seconds: 60 })
      .then(({ body }) => answers.push(`8 ${body.poll_status}`));
    await arrived();
    await clock.advance(2000);
    await short;
    await clock.advance(5999);
    expect(answers).toEqual(["2 empty"]);
    await clock.advance(1);
    await long;
    expect(answers).toEqual(["2 empty", "8 empty"]);
    expect((await client.poll("w", "q", { timeout_seconds: 0 })).body).toMatchObject({
      task: null,
      poll_status: "empty",
    });
  });

  it("gets the types it is registered for, each in line", async () => {
    const { client } = await openEngine({ longPollSeconds: 0 });
    await workers(client, "q", ["both"], ["b", "c"]);
    await workers(client, "q", ["none"], []);
    for (const type of ["a", "c", "b", "c"]) await client.started(type, "q");
    const types: unknown[] = [];
    for (let n = 0; n < 4; n++) types.push((await client.take("both", "q"))?.task.activity_type);
    expect(types).toEqual(["c", "b", "c", undefined]);
    expect((await client.poll("none", "q")).body.poll_status).toBe("no_activity_capability");
  });

  it("is woken for its own type and queue only", async () => {
    const { client, clock } = await openEngine({ longPollSeconds: 3 });
    await workers(client, "q", ["w"], ["wanted"]);
    const polling = client.poll("w", "q");
    await arrived();
    await client.started("other", "q");
    await client.started("wanted", "elsewhere");
    await arrived();
    await clock.advance(3000);
    expect((await polling).body.task).toBeNull();
  });

  it("is handed a retry when it is due, not before", async () => {
    const { client, clock } = await openEngine();
    await workers(client, "q", ["w"]);
    await client.started("t", "q", { retry_policy: { max_attempts: 3, backoff_seconds: [2, 4] } });
    await client.report("fail", (await client.take("w", "q"))!, { failure: { message: "no" } });
    let second: Held | undefined;
    const polling = client.take("w", "q").then((held) => (second = held));
    await arrived();
    await clock.advance(1999);
    await arrived();
    expect(second).toBeUndefined();
    await clock.advance(2);
    await polling;
    expect(second?.task.attempt_number).toBe(2);
  });

  it("that is repeated under its id gets the same task, while its lease is valid", async () => {
    const { client, clock } = await openEngine({ longPollSeconds: 0, leaseSeconds: 60 });
    await workers(client, "q", ["w", "v"]);
    await client.started("t", "q", { activity_id: "a" });
    await client.started("t", "q", { activity_id: "b" });
    const first = await client.take("w", "q", { poll_request_id: "p-1" });
    const repeated = await client.take("w", "q", { poll_request_id: "p-1" });
    expect(repeated).toEqual(first);
    const another = await client.take("w", "q", { poll_request_id: "p-2" });
    expect(another?.task.workflow_id).toBe("b");
    expect(await client.take("v", "q", { poll_request_id: "p-1" })).toBeUndefined();
    await client.report("complete", first!);
    expect(await client.take("w", "q", { poll_request_id: "p-1" })).toBeUndefined();
    await clock.advance(61_000);
    const redelivered = await client.take("w", "q", { poll_request_id: "p-2" });
    expect(redelivered?.task).toMatchObject({ workflow_id: "b", attempt_number: 2, task_id: another?.taskId });
    expect(redelivered?.attemptId).not.toBe(another?.attemptId);
  });

  it("for several that comes after its repeat, which has done what it was given, is given nothing", async () => {
    const { client, clock } = await openEngine({ longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    for (const id of ["a1", "a2", "a3"]) await client.started("t", "q", { activity_id: id });
    const several = (id: string) => client.take("w", "q", { poll_request_id: id, max_tasks: 1 });
    const held = await several("p");
    await client.report("complete", held!);
    // The request whose client went before the engine read it: nobody would hear of what it is given.
    expect(await several("p")).toBeUndefined();
    expect(await several("p-2")).toBeDefined();
    await clock.advance(10_001);
    expect(await several("p")).toBeDefined();
  });

  /** What a repeat comes to whose first request something on the way holds back. */
  const ENDS: readonly (readonly [string, (client: Client) => Promise<unknown>])[] = [
    [
      "has brought a task that is done",
      async (client) => {
        await client.started("t", "q", { activity_id: "before" });
        const held = await client.take("w", "q", { poll_request_id: "p", poll_request_repeat: 1 });
        await client.report("complete", held!);
      },
    ],
    ["has brought nothing", (client) => client.poll("w", "q", { poll_request_id: "p", poll_request_repeat: 1 })],
    [
      "was refused with its registration, before the worker registered again",
      async (client) => {
        await client.call("DELETE", "/api/worker/registrations/w");
        const { status } = await client.poll("w", "q", { poll_request_id: "p", poll_request_repeat: 1 });
        expect(status).toBe(412);
        await client.register("w", "q", ["t"]);
      },
    ],
    [
      "was repeated again, and again",
      async (client) => {
        for (const repeat of [1, 2]) {
          await client.poll("w", "q", { poll_request_id: "p", poll_request_repeat: repeat });
        }
      },
    ],
  ];
  it.each(ENDS)("that comes minutes after its repeat, which %s, is given nothing", async (_, end) => {
    const { client, clock } = await openEngine({ longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    await end(client);
    await clock.advance(300_000);
    await client.started("t", "q", { activity_id: "a" });
    for (const late of [{ max_tasks: 1 }, { max_tasks: 3, poll_request_repeat: 0 }, {}]) {
      expect((await client.poll("w", "q", { poll_request_id: "p", ...late })).body).toMatchObject({ task: null });
    }
    expect((await client.take("w", "q", { poll_request_id: "p-2" }))?.task.workflow_id).toBe("a");
  });

  it("that is held back until its repeat waits is answered at once, and does not keep that waiting", async () => {
    const { client } = await openEngine();
    await client.register("w", "q", ["t"]);
    const leaving = new AbortController();
    const repeat = client.poll("w", "q", { poll_request_id: "p", poll_request_repeat: 1 }, leaving.signal);
    repeat.catch(() => undefined);
    await arrived();
    expect((await client.poll("w", "q", { poll_request_id: "p" })).body).toMatchObject({ poll_status: "empty" });
    leaving.abort();
    await arrived();
    await client.started("t", "q", { activity_id: "a" });
    expect((await client.take("w", "q", { poll_request_id: "p-2" }))?.task.workflow_id).toBe("a");
  });

  it("for one may use an id again once what it was given is done", async () => {
    const { client } = await openEngine({ longPollSeconds: 0 });
    await client.register("w", "q", ["t"]);
    for (const id of ["a1", "a2"]) await client.started("t", "q", { activity_id: id });
    const first = await client.take("w", "q", { poll_request_id: "p" });
    await client.report("complete", first!);
    const second = await client.take("w", "q", { poll_request_id: "p" });
    expect([first?.task.workflow_id, second?.task.workflow_id]).toEqual(["a1", "a2"]);
  });

  it("that is repeated while it waits is held as long as the first, and given the same task", async () => {
    const { client } = await openEngine();
    await workers(client, "q", ["w"]);
    const first = client.take("w", "q", { poll_request_id: "p" });
    await arrived();
    const repeats = [0, 1, 30].map((seconds) =>
      client.take("w", "q", { poll_request_id: "p", timeout_seconds: seconds }),
    );
    await arrived();
    await client.started("t", "q", { activity_id: "a" });
    await client.started("t", "q", { activity_id: "b" });
    const held = await first;
    expect(held?.task.workflow_id).toBe("a");
    // But for the server's time, which may be that of a later look.
    for (const repeat of await Promise.all(repeats)) expect(repeat).toEqual(held);
    expect((await client.take("w", "q", { poll_request_id: "p-2" }))?.task.workflow_id).toBe("b");
  });

  it("that ended with nothing says so again for a while, and is a new one after that", async () => {
    const { client, clock } = await openEngine({ longPollSeconds: 2 });
    await workers(client, "q", ["w", "v"]);
    const first = client.poll("w", "q", { poll_request_id: "p" });
    await arrived();
    const repeat = client.poll("w", "q", { poll_request_id: "p", timeout_seconds: 60 });
    await arrived();
    await clock.advance(2000);
    expect((await first).body).toMatchObject({ task: null, poll_status: "empty" });
    expect((await repeat).body).toMatchObject({ task: null, poll_status: "empty" });
    await client.started("t", "q", { activity_id: "a" });
    expect((await client.poll("w", "q", { poll_request_id: "p" })).body).toMatchObject({ poll_status: "empty" });
    await clock.advance(7000);
    expect((await client.take("w", "q", { poll_request_id: "p" }))?.task.workflow_id).toBe("a");
  });

  it("whose client has gone ends in the time of those who repeat it", async () => {
    const { client, clock } = await openEngine();
    await workers(client, "q", ["w", "here"]);
    const leaving = new AbortController();
    const gone = client.poll("w", "q", { poll_request_id: "p" }, leaving.signal).catch(() => "gone");
    await arrived();
    const longer = client.poll("w", "q", { poll_request_id: "p", timeout_seconds: 10 });
    const asked = client.poll("w", "q", { poll_request_id: "p", timeout_seconds: 0 });
    await arrived();
    leaving.abort();
    expect(await gone).toBe("gone");
    await arrived();
    await clock.advance(10_000);
    for (const { body } of await Promise.all([longer, asked])) expect(body).toMatchObject({ poll_status: "empty" });
    // Nothing of it is left that could take a task.
    await client.started("t", "q", { activity_id: "a" });
    expect((await client.take("here", "q"))?.task).toMatchObject({ workflow_id: "a", attempt_number: 1 });
  });

  it("that is asked about once more, without waiting, after its client has hung up is called off at once", async () => {
    const { client } = await openEngine();
    await workers(client, "q", ["w", "here"]);
    const leaving = new AbortController();
    const gone = client.poll("w", "q", { poll_request_id: "p" }, leaving.signal).catch(() => "gone");
    await arrived();
    leaving.abort();
    const asked = client.poll("w", "q", { poll_request_id: "p", timeout_seconds: 0 });
    expect((await asked).body).toMatchObject({ task: null, poll_status: "empty" });
    expect(await gone).toBe("gone");
    await client.started("t", "q", { activity_id: "a" });
    expect((await client.take("here", "q"))?.task.workflow_id).toBe("a");
  });

  it("whose client has gone takes no task with it", async () => {
    const { client } = await openEngine();
    await workers(client, "q", ["gone", "here"]);
    const leaving = new AbortController();
    const gone = client.poll("gone", "q", {}, leaving.signal).catch(() => "gone");
    await arrived();
    leaving.abort();
    expect(await gone).toBe("gone");
    await arrived();
    await client.started("t", "q", { activity_id: "a" });
    expect((await client.take("here", "q"))?.task.attempt_number).toBe(1);
  });

  it("beyond those that may wait is told to come back", async () => {
    const { client } = await openEngine({ maxWaitingPolls: 1 });
    await workers(client, "q", ["w"]);
    const waiting = client.poll("w", "q");
    await arrived();
    const crowded = await client.poll("w", "q");
    expect(crowded).toMatchObject({
      status: 429,
      body: {
        task: null,
        poll_status: "long_poll_capacity_exhausted",
        reason: "long_poll_capacity_exhausted",
        namespace: "default",
        task_queue: "q",
        task_kind: "activity_task",
        wait_pool: "worker",
        retry_after_seconds: 1,
        retryable: true,
      },
    });
    await client.started("t", "q");
    expect((await waiting).body.poll_status).toBe("leased");
  });

  it("is answered when the engine is closed", async () => {
    const { client, engine } = await openEngine();
    await workers(client, "q", ["w"]);
    const polling = client.poll("w", "q", { poll_request_id: "p" });
    await arrived();
    await engine.close();
    // Not "draining": workers would stop for good.
    expect(await polling).toMatchObject({
      status: 503,
      body: {
        task: null,
        poll_status: "backend_unavailable",
        reason: "backend_unavailable",
        operation: "poll_activity_task",
        outcome: "unknown",
        worker_id: "w",
        task_queue: "q",
        poll_request_id: "p",
        retry_same_poll_request_id: true,
        retryable: true,
        retry_after_seconds: 1,
      },
    });
  });

  it("of a worker with a build id gets nothing, and is in nobody's way", async () => {
    const { client, clock } = await openEngine({ longPollSeconds: 5 });
    await client.register("built", "q", ["t"], { build_id: "b1" });
    await workers(client, "q", ["w"]);
    const built = client.poll("built", "q", { build_id: "b1" });
    await arrived();
    const polling = client.take("w", "q");
    await arrived();
    await client.started("t", "q");
    expect(await polling).toBeDefined();
    await clock.advance(5000);
    expect((await built).body).toMatchObject({ task: null, poll_status: "empty" });
  });

  it("needs a registration, which can be taken back", async () => {
    const { client } = await openEngine({ longPollSeconds: 0 });
    await workers(client, "q", ["w"]);
    expect((await client.call("DELETE", "/api/worker/registrations/w")).status).toBe(200);
    expect((await client.call("DELETE", "/api/worker/registrations/w")).body.reason).toBe("worker_not_found");
    expect((await client.poll("w", "q")).status).toBe(412);
  });

  it("hands out in the order in which tasks became available", async () => {
    const { client, clock } = await openEngine({ longPollSeconds: 0 });
    await workers(client, "q", ["w"], ["x", "y"]);
    for (let n = 0; n < 6; n++) {
      await client.started(n % 2 === 0 ? "x" : "y", "q", { activity_id: `a${n}` });
      if (n === 2) clock.jump(5);
    }
    const order: unknown[] = [];
    for (let n = 0; n < 6; n++) order.push((await client.take("w", "q"))?.task.workflow_id);
    expect(order).toEqual(["a0", "a1", "a2", "a3", "a4", "a5"]);
  });

  it("ends when its worker deregisters, so that no task is lost to one that has gone", async () => {
    const { client } = await openEngine({ longPollSeconds: 30 });
    await client.register("gone", "q", ["t"]);
    await client.register("stays", "q", ["t"]);
    const polls = [client.poll("gone", "q"), client.poll("gone", "q"), client.poll("stays", "q")];
    await arrived();
    expect((await client.call("DELETE", "/api/worker/registrations/gone")).status).toBe(200);
    for (const { body } of await Promise.all(polls.slice(0, 2))) {
      expect(body).toMatchObject({ task: null, poll_status: "stale_worker_registration" });
    }
    await client.started("t", "q", { activity_id: "a" });
    expect((await polls[2])?.body.task).toMatchObject({ workflow_id: "a", lease_owner: "stays" });
  });

  it("tells how long it may be held only within the limit, in newer protocols", async () => {
    const { client } = await openEngine({ longPollSeconds: 0 });
    await workers(client, "q", ["w"]);
    expect((await client.poll("w", "q", { timeout_seconds: 61 })).status).toBe(200);
    client.protocolVersion = PROTOCOL_VERSION;
    expect((await client.poll("w", "q", { timeout_seconds: 60 })).status).toBe(200);
    const refused = await client.poll("w", "q", { timeout_seconds: 61 });
    expect(refused).toMatchObject({ status: 422, body: { reason: "validation_failed" } });
    expect(Object.keys(refused.body.errors)).toEqual(["timeout_seconds"]);
  });

  it.each(["workflow-tasks", "query-tasks"])("for %s is held, and answered with nothing", async (kind) => {
    const { client, clock } = await openEngine({ longPollSeconds: 30 });
    await workers(client, "q", ["w"]);
    await client.started("t", "q", { activity_id: "a" });
    const path = `/api/worker/${kind}/poll`;
    const body = { worker_id: "w", task_queue: "q", poll_request_id: "p", timeout_seconds: 5 };
    let isAnswered = false;
    const polling = client.call("POST", path, body).finally(() => (isAnswered = true));
    await arrived();
    expect(isAnswered).toBe(false);
    await clock.advance(5000);
    expect(await polling).toMatchObject({ status: 200, body: { task: null, poll_status: "empty" } });
    expect((await client.call("POST", path, { ...body, worker_id: "nobody" })).status).toBe(412);
    // The activity under the same id is another matter.
    expect((await client.take("w", "q", { poll_request_id: "p" }))?.task.workflow_id).toBe("a");
  });
});
