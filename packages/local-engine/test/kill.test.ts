import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ChildEngine } from "@durable-workflow/test-support/child-engine";
import type { Client, Held, Json } from "@durable-workflow/test-support/engine-client";
import fc from "fast-check";
import { expect, it } from "vitest";
import { temporaryFolder } from "./support/engine.js";

const ROUNDS = 25;
const CLIENTS = 6;
const LEASE_SECONDS = 1;

/** What the engine has said that it did, across all its lives. */
class Acknowledged {
  readonly started = new Set<string>();
  readonly completed = new Map<string, string>();
  readonly failed = new Set<string>();
  readonly cancelled = new Set<string>();
  /** Attempt ids, by activity and attempt number. */
  readonly deliveries = new Map<string, string>();
  readonly contradictions: string[] = [];

  delivered({ attemptId, task }: Held): void {
    const key = `${task.workflow_id} ${task.attempt_number}`;
    const before = this.deliveries.get(key);
    if (before !== undefined && before !== attemptId) this.contradictions.push(`attempt ${key} was given out twice`);
    this.deliveries.set(key, attemptId);
  }
}

/** Starts, polls and reports until the engine dies. What is not answered is not known, and may have happened or not. */
async function work(client: Client, worker: string, acknowledged: Acknowledged, round: number): Promise<void> {
  try {
    // Registrations are on disk, and a worker that registers anew gives up what it holds.
    const { status: known } = await client.call("GET", `/api/workers/${worker}`);
    if (known === 404) await client.register(worker, "q", ["t"]);
    for (let n = 0; ; n++) {
      const id = `${worker}-${round}-${n}`;
      const policy = { retry_policy: { max_attempts: 3 } };
      const { status } = await client.start("t", "q", { activity_id: id, input: [id], ...policy });
      if (status === 201) acknowledged.started.add(id);
      if (n % 4 === 2) {
        const stopped = `${id}-stopped`;
        await client.start("t", "q", { activity_id: stopped });
        const { status: answered } = await client.call("POST", `/api/workflows/${stopped}/cancel`, {});
        if (answered === 200) acknowledged.cancelled.add(stopped);
      }
      const held = await client.take(worker, "q", { timeout_seconds: 1, poll_request_id: `poll-${id}` });
      if (held === undefined) continue;
      acknowledged.delivered(held);
      if (n % 5 === 4) continue;
      if (n % 5 === 3) {
        const { status: reported } = await client.report("fail", held, {
          failure: { message: "no", non_retryable: n % 2 === 0 },
        });
        if (reported === 200 && n % 2 === 0) acknowledged.failed.add(held.task.workflow_id);
      } else {
        const { status: reported } = await client.report("complete", held, { result: `done ${held.attemptId}` });
        if (reported === 200) acknowledged.completed.set(held.task.workflow_id, held.attemptId);
      }
    }
  } catch {
    // The engine is dead.
  }
}

/** Looks for everything that was acknowledged, and for what must never be. */
async function check(client: Client, acknowledged: Acknowledged): Promise<readonly string[]> {
  const wrong: string[] = [...acknowledged.contradictions];
  for (const id of acknowledged.started) {
    const activity = await client.describe(id);
    if (activity.activity_id !== id) {
      wrong.push(`${id} was started, and is not there`);
      continue;
    }
    const owner = acknowledged.completed.get(id);
    if (
      owner !== undefined &&
      (activity.status !== "completed" || activity.attempts.at(-1).activity_attempt_id !== owner)
    ) {
      wrong.push(`${id} was completed, and is ${activity.status}`);
    }
    if (acknowledged.failed.has(id) && activity.status !== "failed")
      wrong.push(`${id} failed, and is ${activity.status}`);
    wrong.push(...attemptsOf(id, activity.attempts));
  }
  for (const id of acknowledged.cancelled) {
    const { status } = await client.describe(id);
    if (status !== "cancelled") wrong.push(`${id} was cancelled, and is ${status}`);
  }
  return wrong;
}

/** Attempts are numbered 1, 2, 3, ..., and none begins before the one before it is closed. */
function attemptsOf(id: string, attempts: readonly Json[]): readonly string[] {
  return attempts.flatMap((attempt, index) => {
    const wrong: string[] = [];
    if (attempt.attempt_number !== index + 1) wrong.push(`${id} has ${attempt.attempt_number} as attempt ${index + 1}`);
    const before = attempts[index - 1];
    if (before !== undefined && !(before.closed_at <= attempt.started_at)) {
      wrong.push(`${id} ran twice at ${attempt.started_at}`);
    }
    if (attempt.status === "expired") {
      const renewed = Date.parse(attempt.last_heartbeat_at ?? attempt.started_at) + LEASE_SECONDS * 1000;
      if (Date.parse(attempt.closed_at) < renewed) wrong.push(`${id} lost a lease that was valid`);
    }
    return wrong;
  });
}

it("nothing that was acknowledged is lost when the engine is killed at random, and nothing runs twice", async () => {
  const file = join(temporaryFolder(), "engine.db");
  const options = { file, leaseSeconds: LEASE_SECONDS, integrityCheck: "full" } as const;
  const acknowledged = new Acknowledged();
  const moments = fc.sample(fc.integer({ min: 0, max: 350 }), ROUNDS);
  let round = 0;
  // On a slow machine an engine may do little in such a life: then it has some more.
  while (round < ROUNDS || acknowledged.completed.size <= 20) {
    const moment = moments[round % ROUNDS] ?? 0;
    const life = round++;
    const engine = await ChildEngine.start(options);
    const workers = Array.from({ length: CLIENTS }, (_, n) => work(engine.client, `w${n}`, acknowledged, life));
    await sleep(moment);
    await engine.kill();
    await Promise.all(workers);
  }
  const engine = await ChildEngine.start(options);
  const wrong = await check(engine.client, acknowledged);
  await engine.stop();
  expect(wrong).toEqual([]);
});

it("a poll that is repeated after the engine was killed gets the task that the first was given", async () => {
  const file = join(temporaryFolder(), "engine.db");
  const first = await ChildEngine.start({ file });
  await first.client.register("w", "q", ["t"]);
  await first.client.started("t", "q", { activity_id: "a" });
  const held = await first.client.take("w", "q", { poll_request_id: "p" });
  await first.kill();
  const second = await ChildEngine.start({ file });
  expect(await second.client.take("w", "q", { poll_request_id: "p" })).toEqual(held);
  expect((await second.client.report("complete", held!, { result: 1 })).status).toBe(200);
  await second.kill();
  const third = await ChildEngine.start({ file });
  expect(await third.client.describe("a")).toMatchObject({ status: "completed" });
  await third.stop();
});

it("a worker that was killed with the engine gets what it held as soon as it registers again under its id", async () => {
  const file = join(temporaryFolder(), "engine.db");
  const first = await ChildEngine.start({ file });
  await first.client.register("w", "q", ["t"]);
  await first.client.started("t", "q", { activity_id: "a" });
  await first.client.take("w", "q");
  await first.kill();
  const second = await ChildEngine.start({ file });
  const seconds = { timeout_seconds: 0 };
  expect(await second.client.take("w", "q", seconds)).toBeUndefined();
  await second.client.register("w", "q", ["t"]);
  const again = await second.client.take("w", "q", seconds);
  expect(again?.task).toMatchObject({ workflow_id: "a", attempt_number: 2 });
  expect((await second.client.report("complete", again!, { result: 1 })).status).toBe(200);
  await second.stop();
});
